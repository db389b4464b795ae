"""Sessions across a restart: written when the server ends, read when it begins.

A folder belongs to one server at a time, which locks it: two would overwrite each other's sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from longshort.errors import ConfigError, RunError
from longshort.runfolder import write_atomic
from longshort.serve.refusal import Refusal
from longshort.serve.rest import packed
from longshort.serve.server import Server


class _Kept(msgspec.Struct, array_like=True):
    """A session in the file. left: seconds until it would have expired."""

    id: str
    owner: str
    left: float
    state: bytes


def save(server: Server, folder: Path) -> int:
    """Write all sessions into the folder; returns their number."""
    now = server.sessions.clock()
    found = [
        _Kept(
            each.id, each.owner, server.limits.ttl - (now - each.used), packed(server, each)
        )
        for each in server.sessions
    ]  # fmt: skip
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _file(server, folder)
    write_atomic(file, msgspec.msgpack.encode(found))
    file.chmod(0o600)
    return len(found)


def load(server: Server, folder: Path) -> tuple[int, int]:
    """Read the sessions of the folder; returns how many go on, and how many cannot.

    The file is removed: sessions that go on from here must not go on from there once more. Where
    some cannot go on, it is kept under another name. Raises `RunError` if it is damaged.
    """
    file = _file(server, folder)
    if not file.exists():
        return 0, 0
    try:
        found = msgspec.msgpack.decode(file.read_bytes(), type=list[_Kept])
    except msgspec.DecodeError as error:
        raise RunError(f"{file}: is damaged ({error}); remove it to begin without") from None
    lost = 0
    for each in found:
        try:
            kept = server.signer.unpack(each.state, each.owner)
            session = server.served.restore(kept.snapshot)
            entry = server.sessions.open(each.owner, session, each.id)
        except Refusal:
            lost += 1
            continue
        entry.replace(session, kept.steps, kept.first, kept.answer)
        entry.used += min(0.0, each.left - server.limits.ttl)
    if lost:
        file.replace(file.with_suffix(".left"))
    else:
        file.unlink()
    return len(found) - lost, lost


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder within the block; raises `ConfigError` if another server holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise ConfigError(
            f"--state-dir {folder}: another server keeps its sessions there; give each its own"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _file(server: Server, folder: Path) -> Path:
    return folder / f"{server.served.digest[:16]}.sessions"

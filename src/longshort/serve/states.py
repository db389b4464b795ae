"""Sessions across a restart: written when the server ends, read when it begins.

A folder belongs to one server at a time, which locks it: two would overwrite each other's sessions.
Each of its processes has a file of its own there; `share_out` makes them those of as many processes
as there are now.
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
from longshort.serve.share import Share


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
    _write(_file(server, folder), found)
    return len(found)


def load(server: Server, folder: Path) -> tuple[int, int]:
    """Read the sessions of the folder; returns how many go on, and how many cannot.

    Raises `RunError` if the file is damaged. `taken` has to follow once the server answers.
    """
    file = _file(server, folder)
    if not file.exists():
        return 0, 0
    found, lost = _read(file), 0
    for each in found:
        try:
            kept = server.signer.unpack(each.state, each.owner)
            session = server.served.restore(kept.snapshot)
            entry = server.sessions.admit(each.owner, session, each.id)
        except Refusal:
            lost += 1
            continue
        entry.replace(session, kept.steps, kept.first, kept.answer)
        entry.used += min(0.0, each.left - server.limits.ttl)
    return len(found) - lost, lost


def taken(server: Server, folder: Path, lost: int) -> None:
    """Remove the file: sessions that go on from here must not go on from there once more.

    lost: number of those that cannot go on; if there are any, it is kept under another name.
    """
    file = _file(server, folder)
    if lost:
        file.replace(file.with_suffix(".left"))
    else:
        file.unlink(missing_ok=True)


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


def share_out(folder: Path, processes: int) -> None:
    """Give each process the sessions of its share, whoever wrote them.

    Raises `RunError` if a file is damaged.
    """
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.glob(f"*{_SUFFIX}")):
        files.setdefault(file.name.partition(".")[0], []).append(file)
    for digest, each in files.items():
        wanted = [_named(folder, digest, Share(k, processes)) for k in range(processes)]
        if not set(each) <= set(wanted):
            _share_out(each, wanted)


def _share_out(files: list[Path], wanted: list[Path]) -> None:
    share = Share(0, len(wanted))
    parts: list[list[_Kept]] = [[] for _ in wanted]
    for each in (each for file in files for each in _read(file)):
        parts[share.holder(each.id)].append(each)
    new = [file.with_suffix(".new") for file in wanted]
    for file, part in zip(new, parts, strict=True):
        _write(file, sorted(part, key=lambda each: each.left))
    for one, other in zip(new, wanted, strict=True):
        one.replace(other)
    for file in set(files) - set(wanted):  # last, so that a crash loses none
        file.unlink()


def _read(file: Path) -> list[_Kept]:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=list[_Kept])
    except msgspec.DecodeError as error:
        raise RunError(f"{file}: is damaged ({error}); remove it to begin without") from None


def _write(file: Path, sessions: list[_Kept]) -> None:
    write_atomic(file, msgspec.msgpack.encode(sessions))
    file.chmod(0o600)


def _file(server: Server, folder: Path) -> Path:
    return _named(folder, server.served.digest[:16], server.sessions.share)


def _named(folder: Path, digest: str, share: Share) -> Path:
    number = "" if share.of == 1 else f".{share.number}-of-{share.of}"
    return folder / f"{digest}{number}{_SUFFIX}"


_SUFFIX = ".sessions"

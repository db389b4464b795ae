"""Snapshots of sessions outside of the server: signed, and bound to the model and the owner."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from longshort.runfolder import write_atomic
from longshort.serve.refusal import Refusal

_MAGIC = b"LSSN\x01"
_SIZE = hashlib.sha256().digest_size
KEY_VARIABLE = "LONGSHORT_STATE_KEY"
"""Environment variable with the key of signatures; servers that share it share snapshots."""
_KEY_FILE = "key"


class Kept(msgspec.Struct, array_like=True):
    """What a snapshot holds of a session.

    snapshot: the model's own. steps: number of steps so far. first: number of the first step of
    the last request, 0 before any. answer: body of its answer, for a repeat of it.
    """

    snapshot: bytes
    steps: int
    first: int
    answer: bytes


@dataclass(frozen=True)
class Signer:
    """Signs what is kept of a session, for one model. digest: the model's."""

    key: bytes
    digest: str

    def pack(self, kept: Kept, owner: str) -> bytes:
        """Return bytes that only `unpack` with the same key, model and owner accepts."""
        content = msgspec.msgpack.encode(kept)
        return _MAGIC + self._signature(content, owner) + content

    def unpack(self, packed: bytes, owner: str) -> Kept:
        """Return what was packed; raises 409 for another model, owner or key, or for damage."""
        signature, content = (
            packed[len(_MAGIC) : len(_MAGIC) + _SIZE],
            packed[len(_MAGIC) + _SIZE :],
        )
        if not packed.startswith(_MAGIC):
            raise Refusal(422, "no_snapshot", "this is no snapshot of a session of this version")
        if not hmac.compare_digest(signature, self._signature(content, owner)):
            raise Refusal(
                409,
                "foreign_snapshot",
                "the snapshot is of another model, of another owner or server, or is damaged",
            )
        return msgspec.msgpack.decode(content, type=Kept)

    def _signature(self, content: bytes, owner: str) -> bytes:
        about = f"{self.digest}\0{owner}\0".encode()
        return hmac.digest(self.key, about + content, "sha256")


def key_of(folder: Path | None) -> bytes:
    """Return the key: of the environment, of the state folder, or a new one.

    A new key is kept in the folder, readable by its owner alone.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return hashlib.sha256(given.encode()).digest()
    if folder is None:
        return secrets.token_bytes(_SIZE)
    file = folder / _KEY_FILE
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(file, secrets.token_bytes(_SIZE))
        file.chmod(0o600)
    return file.read_bytes()

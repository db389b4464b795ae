"""Sessions: samples that come one after the other, each answered at once, with a state to keep.

A snapshot is plain data: a mark, the SHA-256 of what follows, the length of a JSON header, the
header, and the bytes of the arrays. Nothing in it is executed. The digest finds damage; a snapshot
that leaves one's own hands has to be signed by whoever gives it away.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from longshort.errors import ConfigError, RunError
from longshort.runs.abilities import Context, Piece, Stepper, WritesOn
from longshort.runs.writing import Drawing
from longshort.runtime.network import is_array
from longshort.runtime.tree import flatten, unflatten

VERSION = 1
"""Format version of snapshots; others are refused."""
_MARK = b"longshort session\n"
_LENGTH = struct.Struct("<Q")
_DTYPES = {"float32", "float64", "int64", "int32", "uint8", "bool"}
_DIGEST = hashlib.sha256().digest_size


class Session:
    """A stream of samples through a model; a session belongs to one stream, a model to many."""

    def __init__(
        self, stepper: Stepper, digest: str, context: Context = None, steps: int = 0
    ) -> None:
        self._stepper, self._digest, self._steps = stepper, digest, steps
        self._context = stepper.begin() if context is None else context

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return self._steps

    def step(self, x: Any) -> dict[str, Any]:
        """Take one sample in, and return the answer as plain values in the user's units.

        x: what the model takes at a step (`Trained.session_schema`). Raises `DataError` for
        another, which leaves the session as it was.
        """
        answer, self._context = self._stepper.advance(self._context, x)
        self._steps += 1
        return answer

    def read_on(self, text: str, likely: int = 0) -> Iterator[Piece]:
        """Read a text, and yield its tokens, each with this many `likely` ones at its place.

        The state goes with what was yielded. Raises `ConfigError` for a model of other samples.
        """
        for piece, context in self._writer().read_on(self._context, text, likely):
            self._context = context
            yield piece

    def write_on(self, before: str, how: Drawing, likely: int = 0) -> Iterator[Piece]:
        """Yield tokens that are drawn in this way after what was read, without end.

        before: the text so far, which tells whether a space comes first. The state goes with what
        was yielded. Raises `ConfigError` for a model that writes nothing.
        """
        for piece, context in self._writer().write_on(self._context, before, how, likely):
            self._context = context
            yield piece

    def _writer(self) -> WritesOn:
        if isinstance(self._stepper, WritesOn):
            return self._stepper
        raise ConfigError("session: the model does not write texts on")

    def fork(self) -> Session:
        """Return a session that goes on from here on its own."""
        return Session(self._stepper, self._digest, self._context, self._steps)

    def reset(self) -> None:
        """Forget all samples."""
        self._context, self._steps = self._stepper.begin(), 0

    def snapshot(self) -> bytes:
        """Return the session as bytes, which `Trained.restore` reads."""
        arrays, structure = flatten(self._context, is_array)
        header = json.dumps(
            {
                "version": VERSION,
                "model": self._digest,
                "steps": self._steps,
                "structure": structure,
                "arrays": [[each.dtype.name, list(each.shape)] for each in arrays],
            }
        ).encode()
        parts = [_LENGTH.pack(len(header)), header, *(_bytes(each) for each in arrays)]
        content = b"".join(parts)
        return _MARK + hashlib.sha256(content).digest() + content


def step_many(sessions: Sequence[Session], xs: Sequence[Any]) -> list[dict[str, Any] | Exception]:
    """Take one sample into each of several sessions of one model, computed together where it can.

    A session's answer is the same bits as alone. Where a sample is refused, the error stands in its
    answer's place, and its session is left as it was. Raises `RunError` for a session that comes
    twice, and for sessions of several models.
    """
    if len({id(each) for each in sessions}) < len(sessions):
        raise RunError("sessions: one comes twice; its steps follow each other, so give it once")
    if len({id(each._stepper) for each in sessions}) > 1:
        raise RunError("sessions: they are of several models; step those of each model together")
    if not sessions:
        return []
    found: list[dict[str, Any] | Exception] = []
    contexts = [each._context for each in sessions]
    for session, result in zip(
        sessions, sessions[0]._stepper.advance_many(contexts, xs), strict=True
    ):
        if isinstance(result, Exception):
            found.append(result)
            continue
        answer, session._context = result
        session._steps += 1
        found.append(answer)
    return found


def restored(snapshot: bytes, stepper: Stepper, digest: str) -> Session:
    """Return the session of a snapshot.

    Raises `RunError` if it is damaged, or of another model or version.
    """
    content = _checked(snapshot)
    try:
        (length,) = _LENGTH.unpack_from(content)
        begin = _LENGTH.size + length
        header = json.loads(content[_LENGTH.size : begin])
        if header["version"] != VERSION:
            raise RunError(
                f"snapshot: has version {header['version']}, this longshort reads {VERSION}; begin "
                "a new session"
            )
        if header["model"] != digest:
            raise RunError(
                "snapshot: is of another model, whose states mean nothing to this one; load the "
                f"model with the digest {header['model'][:12]}…, or begin a new session"
            )
        arrays = _arrays(header["arrays"], content[begin:])
        context = unflatten(header["structure"], iter(arrays))
        return Session(stepper, digest, context, int(header["steps"]))
    except (KeyError, TypeError, ValueError, StopIteration, struct.error) as error:
        raise RunError(f"snapshot: is damaged ({error}); begin a new session") from None


def _checked(snapshot: bytes) -> bytes:
    """Return what follows the digest; raises `RunError` if that does not fit it."""
    if not isinstance(snapshot, bytes | bytearray | memoryview):
        raise RunError(f"snapshot: bytes are expected, got {type(snapshot).__name__}")
    given = bytes(snapshot)
    if not given.startswith(_MARK):
        raise RunError("snapshot: is none of a longshort session")
    begin = len(_MARK) + _DIGEST
    content = given[begin:]
    if hashlib.sha256(content).digest() != given[len(_MARK) : begin]:
        raise RunError("snapshot: is damaged: it does not fit its digest; begin a new session")
    return content


def _arrays(described: Sequence[Any], content: bytes) -> list[np.ndarray[Any, Any]]:
    found, place = [], 0
    for name, shape in described:
        if name not in _DTYPES or any(int(size) < 0 for size in shape):
            raise ValueError(f"an array of {name}, {shape}")
        dtype = np.dtype(name)
        count = int(np.prod(shape, dtype=object)) if shape else 1
        if place + count * dtype.itemsize > len(content):
            raise ValueError("an array is cut off")
        values = np.frombuffer(content, dtype, count, place).reshape(shape).copy()
        found.append(values)
        place += values.nbytes
    if place != len(content):
        raise ValueError("there is more than its arrays")
    return found


def _bytes(array: np.ndarray[Any, Any]) -> bytes:
    if array.dtype.name not in _DTYPES:
        raise RunError(f"snapshot: arrays of {array.dtype} are not kept")
    return np.ascontiguousarray(array).tobytes()

"""Reading TensorFlow Lite models: the tables of the flatbuffer that hold weights.

A flatbuffer holds tables; a table begins with the distance back to its vtable, which has the
distance of each field from the table's begin, 0 where a field is absent. The numbers of fields are
those of TensorFlow's schema.fbs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

_TYPES = {0: "<f4", 2: "<i4", 3: "u1", 4: "<i8", 9: "i1"}
"""NumPy types by their number in schema.fbs."""
_KINDS = {0: "add", 3: "conv", 4: "depthwise", 34: "pad", 114: "quantize", 40: "mean"}
_OPTIONS = {"conv": (1, 3), "depthwise": (1, 4)}
"""Fields of an operator's options: stride, and the activation."""
RELU6 = 3


@dataclass(frozen=True)
class LiteTensor:
    """A tensor: its shape, how its whole numbers stand for real ones, and its values if constant.

    real = scale · (number - zero); scale and zero are one for all, or one for each slice along
    `axis`.
    """

    name: str
    shape: tuple[int, ...]
    scale: NDArray[np.float32]
    zero: NDArray[np.int64]
    axis: int
    numbers: NDArray[Any] | None

    def real(self) -> NDArray[np.float32]:
        """Return the values of a constant."""
        assert self.numbers is not None
        values = self.numbers.astype(np.float32)
        if not self.scale.size:
            return values
        along = [1] * values.ndim
        along[self.axis if self.scale.size > 1 else 0] = self.scale.size
        found: NDArray[np.float32] = (values - self.zero.reshape(along)) * self.scale.reshape(along)
        return found


@dataclass(frozen=True)
class LiteOperation:
    """An operation; kind: "conv", "depthwise", "add", "pad", or the number of any other."""

    kind: str
    inputs: tuple[LiteTensor, ...]
    output: LiteTensor
    stride: int = 1
    activation: int = 0


def read_tflite(path: Path) -> list[LiteOperation]:
    """Return the operations of a model's first graph, in order. Raises `DataError`."""
    if not path.is_file():
        raise DataError(f"{path}: no such file; a TensorFlow Lite model is expected")
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise DataError(f"{path}: no TensorFlow Lite model; its first bytes are {content[:8]!r}")
    try:
        return list(_operations(content))
    except (struct.error, IndexError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: damaged TensorFlow Lite model: {error}") from None


def _operations(content: bytes) -> Iterator[LiteOperation]:
    model = _Table(content, _unsigned(content, 0))
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    buffers = model.tables(4)
    graph = model.tables(2)[0]
    tensors = [_tensor(table, buffers) for table in graph.tables(0)]
    for each in graph.tables(3):
        code = codes[each.number(0, "I")]
        kind = _KINDS.get(code, str(code))
        inputs = tuple(tensors[i] for i in each.array(1, "<i4").tolist() if i >= 0)
        output = tensors[int(each.array(2, "<i4")[0])]
        options = each.table(4)
        if kind in _OPTIONS and options is not None:
            stride, activation = _OPTIONS[kind]
            how = options.number(stride, "i"), options.number(activation, "b")
            yield LiteOperation(kind, inputs, output, *how)
        else:
            yield LiteOperation(kind, inputs, output)


def _tensor(table: _Table, buffers: list[_Table]) -> LiteTensor:
    shape = tuple(table.array(0, "<i4").tolist())
    raw = buffers[table.number(2, "I")].array(0, "u1")
    kind = _TYPES.get(table.number(1, "b"))
    numbers = None
    if raw.size and kind is not None:
        numbers = np.frombuffer(raw.tobytes(), kind).reshape(shape)
    how = table.table(4)
    if how is None:
        return LiteTensor(
            table.text(3), shape, np.zeros(0, np.float32), np.zeros(0, int), 0, numbers
        )
    scale, zero = how.array(2, "<f4").astype(np.float32), how.array(3, "<i8").astype(np.int64)
    return LiteTensor(table.text(3), shape, scale, zero, how.number(6, "i"), numbers)


class _Table:
    """A table of a flatbuffer, at a place in it."""

    def __init__(self, content: bytes, place: int) -> None:
        self.content, self.place = content, place
        self.fields = place - struct.unpack_from("<i", content, place)[0]
        self.size = struct.unpack_from("<H", content, self.fields)[0]

    def number(self, field: int, form: str) -> int:
        """Return a number, 0 where it is absent; `form` is that of `struct`."""
        at = self._at(field)
        return 0 if at is None else int(struct.unpack_from(f"<{form}", self.content, at)[0])

    def text(self, field: int) -> str:
        """Return a text, empty where it is absent."""
        return self.array(field, "u1").tobytes().decode()

    def table(self, field: int) -> _Table | None:
        """Return a table."""
        at = self._at(field)
        return None if at is None else _Table(self.content, at + _unsigned(self.content, at))

    def array(self, field: int, kind: str) -> NDArray[Any]:
        """Return a vector of numbers, empty where it is absent."""
        begin, count = self._vector(field)
        return np.frombuffer(self.content, kind, count, begin) if count else np.zeros(0, kind)

    def tables(self, field: int) -> list[_Table]:
        """Return a vector of tables."""
        begin, count = self._vector(field)
        places = range(begin, begin + 4 * count, 4)
        return [_Table(self.content, at + _unsigned(self.content, at)) for at in places]

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._at(field)
        if at is None:
            return 0, 0
        begin = at + _unsigned(self.content, at)
        return begin + 4, _unsigned(self.content, begin)

    def _at(self, field: int) -> int | None:
        where = 4 + 2 * field
        if where >= self.size:
            return None
        offset = struct.unpack_from("<H", self.content, self.fields + where)[0]
        return self.place + offset if offset else None


def _unsigned(content: bytes, place: int) -> int:
    return int(struct.unpack_from("<I", content, place)[0])

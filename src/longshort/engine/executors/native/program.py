"""A schedule as data for the native scan: buffers, stages and row instructions.

Every operand is a place (buffer, column); the kind of a buffer says how its address follows from
the step, the sequence and the thread. C++ reads these records by the names of their fields, which
stand in `native/src/record_table.h` too: a test holds both to be the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How the address of a row is found."""

    ROW = "row"
    """A thread's own row, valid within one run of row instructions."""
    BLOCK = "block"
    """A thread's own rows, one for each sequence of its block, valid within a step."""
    LOCAL = "local"
    """A thread's own rows for each sequence of its block and each step of a chunk."""
    SHARED = "shared"
    """Rows of all sequences for each step of a chunk."""
    TIME = "time"
    """Given from outside: [T, B, W]."""
    BATCH = "batch"
    """Given from outside: [B, W], the same at every step."""
    VECTOR = "vector"
    """Given from outside: [W], the same for every sequence."""
    CONSTANT = "constant"
    """A number, W times."""


class Place(NamedTuple):
    """Where a value lies: a buffer, and its first column there."""

    buffer: int
    column: int


NOWHERE = Place(-1, 0)


class Buffer(NamedTuple):
    """Memory in which rows of values lie."""

    kind: Kind
    width: int
    external: int = -1
    """Place of the tensor among those that the call is given; -1: the buffer is inside."""
    shift: int = 0
    """The step that a TIME buffer addresses, relative to the current one."""
    ring: int = 0
    """How many steps a TIME buffer holds, in turn; 0 holds all."""
    first: int = -1
    """The buffer that a TIME buffer addresses instead where the step lies before the first."""
    origin: int = 0
    """Column of the tensor at which the buffer begins."""
    value: float = 0.0
    """The number of a CONSTANT buffer."""


class Instruction(NamedTuple):
    """One operation on a row of `size` columns."""

    op: str
    size: int
    target: Place
    sources: tuple[Place, ...]


class Product(NamedTuple):
    """target = start + source · matrix, for all rows of a block."""

    matrix: int
    target: Place
    source: Place
    start: Place = NOWHERE


class Run(NamedTuple):
    """A run of instructions, row by row."""

    first: int
    last: int


class Weight(NamedTuple):
    """Rows [begin, end) of a parameter [·, columns], for v → v Mᵀ or, transposed, v → v M."""

    external: int
    begin: int
    end: int
    columns: int
    transposed: bool


class MatrixSum(NamedTuple):
    """gradient[begin:end] += Σ d vᵀ over the rows of a chunk; v has `columns` columns."""

    external: int
    begin: int
    end: int
    columns: int
    d: Place
    v: Place


class VectorSum(NamedTuple):
    """sum += Σ d over the rows of a chunk."""

    external: int
    size: int
    d: Place


class Enter(NamedTuple):
    """Where a sequence's backward pass begins, its row of `source` goes to `target`, one step on.

    Both are buffers.
    """

    source: int
    target: int


class Leave(NamedTuple):
    """A sequence's last row of `source`, or of `first` where it has no steps, goes to `target`."""

    source: Place
    first: int
    target: int


@dataclass(eq=False)
class Program:
    """All that the native scan is given but the tensors themselves."""

    backward: bool
    buffers: list[Buffer] = field(default_factory=list)
    externals: list[str] = field(default_factory=list)
    matrices: list[Weight] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    before: list[Product | Run] = field(default_factory=list)
    step: list[Product | Run] = field(default_factory=list)
    after: list[Product | Run] = field(default_factory=list)
    matrix_sums: list[MatrixSum] = field(default_factory=list)
    vector_sums: list[VectorSum] = field(default_factory=list)
    enter: list[Enter] = field(default_factory=list)
    leave: list[Leave] = field(default_factory=list)

    def external(self, name: str) -> int:
        """Place of a tensor among those that the call is given."""
        if name not in self.externals:
            self.externals.append(name)
        return self.externals.index(name)

    def buffer(self, buffer: Buffer) -> int:
        """Place of a buffer in the table; equal outside buffers are one."""
        shared = buffer.external >= 0 or buffer.kind == Kind.CONSTANT
        if shared and buffer in self.buffers:
            return self.buffers.index(buffer)
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    def matrix(self, matrix: Weight) -> int:
        """Place of a matrix in the table."""
        if matrix not in self.matrices:
            self.matrices.append(matrix)
        return self.matrices.index(matrix)

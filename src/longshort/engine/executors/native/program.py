"""A schedule as data for the native scan: buffers, stages and row instructions.

Every operand is a place (buffer, column); the kind of a buffer says how its address follows from
the step, the sequence and the thread. `native/src/program.h` reads the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """How the address of a row is found."""

    ROW = 0
    """A thread's own row, valid within one run of row instructions."""
    BLOCK = 1
    """A thread's own rows, one for each sequence of its block, valid within a step."""
    LOCAL = 2
    """A thread's own rows for each sequence of its block and each step of a chunk."""
    SHARED = 3
    """Rows of all sequences for each step of a chunk."""
    TIME = 4
    """Given from outside: [T, B, W]."""
    BATCH = 5
    """Given from outside: [B, W], the same at every step."""
    VECTOR = 6
    """Given from outside: [W], the same for every sequence."""
    CONSTANT = 7
    """A number, W times."""


class Place(NamedTuple):
    """Where a value lies."""

    buffer: int
    column: int


NOWHERE = Place(-1, 0)


class Buffer(NamedTuple):
    """One row of the buffer table."""

    kind: Kind
    width: int
    external: int = -1
    """Which of the tensors that the call is given."""
    shift: int = 0
    """Of a TIME buffer: the step that is addressed, relative to the present one."""
    ring: int = 0
    """Of a TIME buffer: it holds so many steps, in turn; 0 holds all."""
    first: int = -1
    """Of a TIME buffer: the buffer to address where the step lies before the first."""
    origin: int = 0
    """Column of the tensor at which the buffer begins."""
    value: float = 0.0


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


class Rows(NamedTuple):
    """A run of instructions, row by row."""

    first: int
    last: int


class Matrix(NamedTuple):
    """Rows `span` of a parameter [·, columns], as it is (v → v Mᵀ) or transposed (v → v M)."""

    external: int
    span: tuple[int, int]
    columns: int
    transposed: bool


class MatrixSum(NamedTuple):
    """gradient[span] += Σ d vᵀ over the rows of a chunk."""

    external: int
    span: tuple[int, int]
    columns: int
    d: Place
    v: Place


class VectorSum(NamedTuple):
    """sum += Σ d over the rows of a chunk."""

    external: int
    size: int
    d: Place


class Enter(NamedTuple):
    """Where the way back through a sequence begins, its row of `source` goes to `target`, one step
    on."""

    source: int
    target: int


class Leave(NamedTuple):
    """The last state of every sequence, or with no step `first`, goes from `source` to `target`."""

    source: Place
    first: int
    target: int


@dataclass(eq=False)
class Program:
    """All that the native scan needs to know but for the tensors themselves."""

    backward: bool
    buffers: list[Buffer] = field(default_factory=list)
    externals: list[str] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    before: list[Product | Rows] = field(default_factory=list)
    step: list[Product | Rows] = field(default_factory=list)
    after: list[Product | Rows] = field(default_factory=list)
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

    def matrix(self, matrix: Matrix) -> int:
        """Place of a matrix in the table."""
        if matrix not in self.matrices:
            self.matrices.append(matrix)
        return self.matrices.index(matrix)

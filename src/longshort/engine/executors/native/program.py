"""Programs of the native scan as data: buffers, stages and row instructions.

Every operand is a place (buffer, column); the kind of a buffer defines how its address follows from
step, sequence and thread. C++ reads these records by the names of their fields, which are also in
`native/src/record_table.h`; a test ensures that both are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """Kinds of buffers, by how the address of a row is computed."""

    ROW = "row"
    """A row of a thread, valid within one run of row instructions."""
    BLOCK = "block"
    """Rows of a thread, one for each sequence of its block, valid within a step."""
    LOCAL = "local"
    """Rows of a thread for each sequence of its block and each step of a chunk."""
    SHARED = "shared"
    """Rows of all sequences for each step of a chunk."""
    TIME = "time"
    """External tensor [T, B, W]."""
    BATCH = "batch"
    """External tensor [B, W], the same at every step."""
    VECTOR = "vector"
    """External tensor [W], the same for every sequence."""
    CONSTANT = "constant"
    """A number, repeated W times."""


class Place(NamedTuple):
    """Place of a value: a buffer, and its first column there."""

    buffer: int
    column: int


NOWHERE = Place(-1, 0)


class Buffer(NamedTuple):
    """Memory for rows of values."""

    kind: Kind
    width: int
    external: int = -1
    """Index of the tensor among the arguments of the call; -1: an internal buffer."""
    shift: int = 0
    """Step that a TIME buffer addresses, relative to the current one."""
    ring: int = 0
    """Number of steps of a TIME buffer that is a ring; 0: it holds all steps."""
    first: int = -1
    """Buffer that replaces a TIME buffer where the addressed step is before the first."""
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
    """total += Σ d over the rows of a chunk; the total is a tensor of doubles."""

    total: int
    size: int
    d: Place


class Enter(NamedTuple):
    """A sequence's row of buffer `source` is copied to buffer `target`, one step on.

    That is done at its last step, where its backward pass begins.
    """

    source: int
    target: int


class Leave(NamedTuple):
    """Each sequence's last row of `source` is copied to `target`.

    Where a sequence has no steps, its row of `first` is copied.
    """

    source: Place
    first: int
    target: int


@dataclass(eq=False)
class Program:
    """All arguments of the native scan except the tensors."""

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
        """Return the index of a tensor among the arguments of the call."""
        if name not in self.externals:
            self.externals.append(name)
        return self.externals.index(name)

    def buffer(self, buffer: Buffer) -> int:
        """Return the index of a buffer in the table; equal external buffers are one."""
        shared = buffer.external >= 0 or buffer.kind == Kind.CONSTANT
        if shared and buffer in self.buffers:
            return self.buffers.index(buffer)
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    def matrix(self, matrix: Weight) -> int:
        """Return the index of a matrix in the table."""
        if matrix not in self.matrices:
            self.matrices.append(matrix)
        return self.matrices.index(matrix)

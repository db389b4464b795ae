"""Programs of loops over buffers of float32 numbers, with all sizes fixed.

This is all that the writers of C and WebAssembly know. Whole numbers and truth values are numbers
too: 0 and 1, and whole numbers up to 2^24, which are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Role = Literal["input", "output", "state", "scratch", "weight"]


@dataclass(frozen=True, eq=False)
class Buffer:
    """Numbers side by side.

    role: "state" is read and written, and stays between calls. data: the numbers of a weight, as
    float32, int8, or int32 where they are places in another buffer.
    """

    name: str
    size: int
    role: Role
    data: NDArray[Any] | None = None


@dataclass(frozen=True)
class Place:
    """A place in a buffer: an offset, plus loop counters and computed numbers times strides."""

    offset: int
    counters: tuple[tuple[str, int], ...] = ()
    computed: tuple[tuple[Expression, int], ...] = ()

    def stride(self, counter: str) -> int:
        """How far the place moves in a step of this counter."""
        return dict(self.counters).get(counter, 0)


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True)
class Load:
    """A number in a buffer."""

    buffer: Buffer
    place: Place


@dataclass(frozen=True)
class Local:
    """A variable."""

    name: str


@dataclass(frozen=True)
class Counter:
    """A loop's counter as a number."""

    name: str


@dataclass(frozen=True)
class Apply:
    """An operation of `OPERATIONS`, or a function of `longshort.export.code.elementary`."""

    op: str
    inputs: tuple[Expression, ...]


Expression = Number | Load | Local | Counter | Apply

OPERATIONS = {
    "add": 2,
    "sub": 2,
    "mul": 2,
    "div": 2,
    "min": 2,
    "max": 2,
    "less": 2,
    "equal": 2,
    "select": 3,
    "negate": 1,
    "absolute": 1,
    "root": 1,
    "floor": 1,
    "power_of_two": 1,
    "exponent": 1,
    "fraction": 1,
}
"""Number of operands of each operation.

less, equal: 1 or 0. select: the second where the first is not 0, else the third. power_of_two: of a
whole number from -126 to 127. exponent, fraction: x = fraction · 2^exponent with a fraction from 1
to 2, of normal positive numbers.
"""


@dataclass(frozen=True)
class Set:
    """Gives a variable a value."""

    local: str
    value: Expression


@dataclass(frozen=True)
class Store:
    """Writes a number into a buffer."""

    buffer: Buffer
    place: Place
    value: Expression


@dataclass(frozen=True)
class Loop:
    """Repeats statements for a counter from 0 to `count` - 1.

    lanes: whether several neighbouring counts can be computed at once: all places move by 0 or 1,
    those that are written by 1, and no variable is carried from count to count.
    """

    counter: str
    count: int
    body: tuple[Statement, ...]
    lanes: bool = False


Statement = Set | Store | Loop


@dataclass(frozen=True)
class Program:
    """One function: its buffers in the order of arguments and results, and its statements."""

    name: str
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    states: tuple[Buffer, ...]
    statements: tuple[Statement, ...]


def loads(expression: Expression) -> Iterator[Load]:
    """Yield all numbers that an expression reads from buffers."""
    if isinstance(expression, Load):
        yield expression
        for inner, _ in expression.place.computed:
            yield from loads(inner)
    elif isinstance(expression, Apply):
        for each in expression.inputs:
            yield from loads(each)


def expressions(statement: Statement) -> Iterator[Expression]:
    """Yield the expressions in a statement, with those of loops within."""
    if isinstance(statement, Loop):
        for each in statement.body:
            yield from expressions(each)
        return
    yield statement.value
    if isinstance(statement, Store):
        for inner, _ in statement.place.computed:
            yield inner


def written(statement: Statement) -> Iterator[Buffer]:
    """Yield the buffers that a statement writes."""
    if isinstance(statement, Store):
        yield statement.buffer
    elif isinstance(statement, Loop):
        for each in statement.body:
            yield from written(each)


def touched(statement: Statement) -> Iterator[Buffer]:
    """Yield the buffers that a statement reads or writes."""
    yield from written(statement)
    for expression in expressions(statement):
        for load in loads(expression):
            yield load.buffer


def operations(statements: Sequence[Statement]) -> set[str]:
    """Return the names of all operations in use."""
    found: set[str] = set()

    def visit(expression: Expression) -> None:
        if isinstance(expression, Apply):
            found.add(expression.op)
            for each in expression.inputs:
                visit(each)
        elif isinstance(expression, Load):
            for inner, _ in expression.place.computed:
                visit(inner)

    for statement in statements:
        for expression in expressions(statement):
            visit(expression)
    return found


def apply(op: str, *inputs: Expression | float) -> Expression:
    """Return an operation on expressions or numbers."""
    lifted = tuple(Number(float(x)) if isinstance(x, float | int) else x for x in inputs)
    return Apply(op, lifted)


def as_stored(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as a buffer holds them: float32, in a row."""
    return np.ascontiguousarray(values, np.float32).reshape(-1)

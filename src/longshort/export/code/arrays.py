"""Arrays that a program computes, and the loops over them.

An `Array` is a buffer with the place of each element as an array of whole numbers. So whatever
moves elements without computing (slices, transposes, reshapes) is done by NumPy on these places,
and costs no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.export.code.loops import (
    Buffer,
    Counter,
    Expression,
    Load,
    Local,
    Loop,
    Number,
    Place,
    Role,
    Set,
    Statement,
    Store,
    apply,
    as_stored,
)

Known = NDArray[Any]
"""An array whose values are known when the program is written."""


@dataclass(frozen=True, eq=False)
class Array:
    """Elements of a buffer: their places, and how far all move with counters of outer loops.

    dtype: what the numbers mean; all are stored as float32.
    """

    buffer: Buffer
    places: NDArray[np.int64]
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    moves: tuple[tuple[str, int], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.places.shape

    def at(self, places: Any) -> Array:
        """Return other elements of the same buffer."""
        return replace(self, places=np.asarray(places, np.int64))

    def along(self, counter: str) -> Array:
        """Return what the array has at each count of its first axis."""
        step = int(self.places[1].flat[0] - self.places[0].flat[0]) if len(self.places) > 1 else 0
        return replace(self, places=self.places[0], moves=(*self.moves, (counter, step)))

    def __getitem__(self, key: Any) -> Array:
        return self.at(self.places[key])


Value = Array | Known

Rule = Callable[..., Any]
"""Writes a step: the builder, then the step's arguments."""


def strides(places: NDArray[np.int64]) -> tuple[int, list[int]] | None:
    """Return first place and distances along the axes; None where there is no such regularity."""
    if places.size == 0:
        return 0, [0] * places.ndim
    first = int(places.flat[0])
    found = []
    for axis, size in enumerate(places.shape):
        second = [0] * places.ndim
        second[axis] = min(1, size - 1)
        found.append(int(places[tuple(second)]) - first)
    regular = np.full((1,) * places.ndim, first)
    for axis, (size, step) in enumerate(zip(places.shape, found, strict=True)):
        along = [1] * places.ndim
        along[axis] = size
        regular = regular + (np.arange(size) * step).reshape(along)
    return (first, found) if np.array_equal(regular, places) else None


class Pool:
    """The constants of all functions of a network; equal ones are kept once.

    int8: whether the factors of products, and tables of vectors, are kept in 8 bits, with a scale
    for each row.
    """

    def __init__(self, int8: bool = False) -> None:
        self.int8 = int8
        self.buffers: dict[bytes, Buffer] = {}

    def constant(self, values: NDArray[Any]) -> Buffer:
        """Return the buffer that holds these values, in their dtype."""
        key = values.dtype.str.encode() + values.tobytes()
        if key not in self.buffers:
            name = f"w{len(self.buffers)}"
            self.buffers[key] = Buffer(name, values.size, "weight", values.reshape(-1))
        return self.buffers[key]


@dataclass(frozen=True, eq=False)
class Operand:
    """An array in nested loops: its place at first, and how far it moves along each axis."""

    array: Array
    offset: int
    steps: tuple[int, ...]

    @staticmethod
    def of(array: Array, rank: int) -> Operand:
        """Return an array whose axes are the last ones of `rank`, broadcast as NumPy does."""
        found = strides(array.places)
        assert found is not None, "arrays in loops have regular places"
        steps = [0 if n == 1 else step for n, step in zip(array.shape, found[1], strict=True)]
        return Operand(array, found[0], (*[0] * (rank - len(steps)), *steps))

    def place(self, counters: Sequence[str]) -> Place:
        """Return the place of the element at these counters."""
        pairs = zip(counters, self.steps, strict=False)
        along = tuple((name, step) for name, step in pairs if step and name)
        return Place(self.offset, self.array.moves + along)

    def load(self, counters: Sequence[str]) -> Load:
        """Return the element at these counters."""
        return Load(self.array.buffer, self.place(counters))


class Builder:
    """Writes statements, with fresh buffers, counters and variables."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.statements: list[Statement] = []
        self._count = 0

    def fresh(self, letter: str) -> str:
        """Return a name that is not in use."""
        self._count += 1
        return f"{letter}{self._count}"

    def empty(self, shape: Sequence[int], dtype: Any = np.float32, role: Role = "scratch") -> Array:
        """Return a new array whose elements are not set yet."""
        size = int(np.prod(shape, dtype=np.int64))
        buffer = Buffer(self.fresh("b"), size, role)
        return Array(buffer, np.arange(size).reshape(tuple(shape)), np.dtype(dtype))

    def array(self, value: Value) -> Array:
        """Return an array whose places are regular; known values become constants."""
        if not isinstance(value, Array):
            stored = value if value.dtype == np.int8 else as_stored(value)
            buffer = self.pool.constant(stored)
            return Array(buffer, np.arange(value.size).reshape(value.shape), value.dtype)
        return value if strides(value.places) is not None else self._collected(value)

    def _collected(self, value: Array) -> Array:
        """Copy elements that lie in no order, by a list of their places."""
        listed = self.pool.constant(value.places.astype(np.int32).reshape(-1))
        found = self.empty(value.shape, value.dtype)
        counter = self.fresh("i")
        which = Load(listed, Place(0, ((counter, 1),)))
        taken = Load(value.buffer, Place(0, value.moves, ((which, 1),)))
        store = Store(found.buffer, Place(0, ((counter, 1),)), taken)
        self.statements.append(Loop(counter, value.places.size, (store,)))
        return found

    @contextmanager
    def inside(self) -> Iterator[list[Statement]]:
        """Collect the statements that are written within, instead of adding them."""
        outer, self.statements = self.statements, []
        try:
            yield self.statements
        finally:
            self.statements = outer

    def let(self, value: Expression) -> Local:
        """Set a new variable."""
        name = self.fresh("v")
        self.statements.append(Set(name, value))
        return Local(name)

    def nest(
        self,
        sizes: Sequence[int],
        operands: Sequence[Operand],
        body: Callable[[list[str]], None],
        lanes: bool = True,
    ) -> None:
        """Write loops over axes, around what `body` writes for their counters.

        operands: what is read and written in each of them, the one that is written first. lanes:
        whether the last axis may be computed several at once.
        """
        if 0 in sizes:
            return
        real = [axis for axis, size in enumerate(sizes) if size > 1]
        fits = bool(real) and operands[0].steps[real[-1]] == 1
        fits = fits and all(each.steps[real[-1]] in (0, 1) for each in operands)
        counters = [self.fresh("i") if size > 1 else "" for size in sizes]
        with self.inside() as written:
            body(counters)
        for axis in reversed(real):
            together = lanes and fits and axis == real[-1]
            written = [Loop(counters[axis], sizes[axis], tuple(written), together)]
        self.statements += written

    def map(
        self,
        function: Callable[..., Expression],
        *values: Value | float,
        dtype: Any = np.float32,
        into: Array | None = None,
    ) -> Array:
        """Compute each element from the elements beside it, with NumPy's broadcasting.

        into: an array that takes the results; by default a new one.
        """
        given = [each if isinstance(each, float | int) else self._short(each) for each in values]
        arrays = [each for each in given if isinstance(each, Array)]
        shape = np.broadcast_shapes(*(each.shape for each in arrays))
        out = self.empty(shape, dtype) if into is None else into
        sizes, (target, *read) = _joined(out.shape, [out, *arrays])

        def body(counters: list[str]) -> None:
            loaded = iter([each.load(counters) for each in read])
            taken = [
                next(loaded) if isinstance(each, Array) else Number(float(each)) for each in given
            ]
            store = Store(out.buffer, target.place(counters), function(*taken))
            self.statements.append(store)

        self.nest(sizes, [target, *read], body)
        return out

    def _short(self, value: Value) -> Array | float:
        if not isinstance(value, Array) and value.ndim == 0:
            return float(value)
        return self.array(value)

    def copy(self, value: Value, into: Array | None = None) -> Array:
        """Copy elements."""
        own = self.array(value)
        return self.map(lambda x: x, own, dtype=own.dtype, into=into)

    def product(self, letters: str, a: Value, b: Value, start: Value | None = None) -> Array:
        """Sum products as NumPy's einsum does, such as "nk,ok->no".

        start: what the sums start from, broadcast to the result. Constants in int8 have a scale for
        each element along the last letter, by which the sums are multiplied.
        """
        terms, result = letters.split("->")
        first, second = terms.split(",")
        scale: Known | None = None
        if not isinstance(b, Array) and result and result[-1] in second:
            turned = "".join(x for x in second if x != result[-1]) + result[-1]
            b = np.ascontiguousarray(b.transpose([second.index(x) for x in turned]))
            second = turned
            if self.pool.int8 and b.ndim > 1:
                b, scale = quantised(b, -1)
        left, right = self.array(a), self.array(b)
        shapes = zip(first + second, left.shape + right.shape, strict=True)
        sizes = dict(shapes)
        order = result + "".join(x for x in dict.fromkeys(first + second) if x not in result)
        out = self.empty([sizes[x] for x in result])
        rank = len(order)

        def operand(array: Array, names: str) -> Operand:
            own = Operand.of(array, len(names))
            steps = [sum(s for n, s in zip(names, own.steps, strict=True) if n == x) for x in order]
            return Operand(array, own.offset, tuple(steps))

        def extra(value: Value) -> Operand:
            array = self.array(value)
            own = Operand.of(array, len(result))
            return Operand(array, own.offset, own.steps + (0,) * (rank - len(result)))

        target, one, two = operand(out, result), operand(left, first), operand(right, second)
        begun = None if start is None else extra(start)
        factor = None if scale is None else extra(scale)
        summed = [self.fresh("i") for _ in order[len(result) :]]

        def body(counters: list[str]) -> None:
            total = self.fresh("v")
            along = [*counters, *summed]
            at_once = begun is not None and factor is None
            begin = begun.load(along) if begun is not None and at_once else Number(0.0)
            term = apply("mul", two.load(along), one.load(along))
            inner: Statement = Set(total, apply("add", Local(total), term))
            for name, x in reversed(list(zip(summed, order[len(result) :], strict=True))):
                inner = Loop(name, sizes[x], (inner,))
            found: Expression = Local(total)
            if factor is not None:
                found = apply("mul", found, factor.load(along))
                found = found if begun is None else apply("add", found, begun.load(along))
            self.statements += [
                Set(total, begin), inner, Store(out.buffer, target.place(along), found)
            ]  # fmt: skip

        operands = [target, one, two, *(each for each in (begun, factor) if each is not None)]
        self.nest([sizes[x] for x in result], operands, body)
        return out

    def reduce(
        self,
        value: Array,
        axes: Sequence[int],
        start: float,
        join: Callable[[Expression, Expression], Expression],
        keep: bool = False,
    ) -> Array:
        """Join all elements along axes, from `start`."""
        rank = len(value.shape)
        gone = [axis % rank for axis in axes]
        kept = [axis for axis in range(rank) if axis not in gone]
        given = self.array(value)
        turned = Operand.of(given.at(given.places.transpose([*kept, *gone])), rank)
        out = self.empty([value.shape[axis] for axis in kept])
        target = Operand(out, 0, Operand.of(out, len(kept)).steps + (0,) * len(gone))
        summed = [self.fresh("i") for _ in gone]

        def body(counters: list[str]) -> None:
            total, along = self.fresh("v"), [*counters, *summed]
            inner: Statement = Set(total, join(Local(total), turned.load(along)))
            for name, axis in reversed(list(zip(summed, gone, strict=True))):
                inner = Loop(name, value.shape[axis], (inner,))
            place = target.place(along)
            self.statements += [Set(total, Number(start)), inner]
            self.statements.append(Store(out.buffer, place, Local(total)))

        self.nest(out.shape, [target, turned], body)
        if not keep:
            return out
        sizes = [1 if axis in gone else size for axis, size in enumerate(value.shape)]
        return out.at(out.places.reshape(sizes))

    def place_of_best(self, value: Array, axis: int) -> Array:
        """Return the place of the first largest element along an axis."""
        given = self.array(value)
        moved = given.at(np.moveaxis(given.places, axis, -1))
        read = Operand.of(moved, len(moved.shape))
        out = self.empty(moved.shape[:-1], np.int64)
        target = Operand(out, 0, (*Operand.of(out, len(out.shape)).steps, 0))
        along = self.fresh("i")

        def body(counters: list[str]) -> None:
            best, where, is_more = self.fresh("v"), self.fresh("v"), self.fresh("v")
            here = read.load([*counters, along])
            inner = (
                Set(is_more, apply("less", Local(best), here)),
                Set(where, apply("select", Local(is_more), Counter(along), Local(where))),
                Set(best, apply("max", Local(best), here)),
            )
            self.statements += [
                Set(best, read.load([*counters, ""])),
                Set(where, Number(0.0)),
                Loop(along, moved.shape[-1], inner),
                Store(out.buffer, target.place(counters), Local(where)),
            ]

        self.nest(out.shape, [target, read], body, lanes=False)
        return out

    def indexed(
        self, out: Array, source: Operand, chosen: Sequence[tuple[Array, int, int]]
    ) -> Array:
        """Fill `out` from places of `source` that computed numbers move.

        chosen: arrays of numbers, broadcast to `out`; how far one moves the place; and how many
        there are, to which numbers are limited, so that no input reads what is not there.
        """
        target = Operand.of(out, len(out.shape))
        numbers = [(Operand.of(array, len(out.shape)), step, most) for array, step, most in chosen]

        def body(counters: list[str]) -> None:
            place = source.place(counters)
            computed = tuple(
                (apply("max", apply("min", each.load(counters), most - 1.0), 0.0), step)
                for each, step, most in numbers
            )
            found = Load(source.array.buffer, replace(place, computed=computed))
            self.statements.append(Store(out.buffer, target.place(counters), found))

        # In lanes, all of a loop's numbers are that of its first count.
        self.nest(out.shape, [target, source, *(_varying(each) for each, _, _ in numbers)], body)
        return out

    def added_at(self, out: Array, axis: int, numbers: Array, values: Value) -> None:
        """Add values to `out` at computed places along an axis."""
        rank = len(out.shape)
        target = Operand.of(out, rank)
        step = target.steps[axis]
        still = tuple(0 if at == axis else each for at, each in enumerate(target.steps))
        base = Operand(out, target.offset, still)
        which, read = Operand.of(self.array(numbers), rank), Operand.of(self.array(values), rank)

        def body(counters: list[str]) -> None:
            number = apply("min", which.load(counters), out.shape[axis] - 1.0)
            computed = ((apply("max", number, 0.0), step),)
            place = replace(base.place(counters), computed=computed)
            total = apply("add", Load(out.buffer, place), read.load(counters))
            self.statements.append(Store(out.buffer, place, total))

        self.nest(numbers.shape, [base, which, read], body, lanes=False)


def quantised(values: Known, axis: int) -> tuple[Known, Known]:
    """Return values as whole numbers from -127 to 127, and the scale of each place of an axis."""
    others = tuple(each for each in range(values.ndim) if each != axis % values.ndim)
    scale = np.abs(values).max(others, keepdims=True).astype(np.float32) / np.float32(127)
    safe = np.where(scale == 0, np.float32(1), scale)
    return np.rint(values / safe).astype(np.int8), safe.reshape(-1)


def _varying(operand: Operand) -> Operand:
    """Return an operand that excludes lanes wherever it moves."""
    return replace(operand, steps=tuple(2 * step for step in operand.steps))


def _joined(shape: Sequence[int], arrays: Sequence[Array]) -> tuple[list[int], list[Operand]]:
    """Return loops over a shape as few axes as possible, and the arrays in them."""
    operands = [Operand.of(each, len(shape)) for each in arrays]
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in operands]
    for axis in range(len(shape) - 1, -1, -1):
        here = [each.steps[axis] for each in operands]
        if shape[axis] == 1:
            continue
        if sizes and all(mine == old[0] * sizes[0] for mine, old in zip(here, steps, strict=True)):
            sizes[0] *= shape[axis]
            continue
        sizes.insert(0, shape[axis])
        for old, mine in zip(steps, here, strict=True):
            old.insert(0, mine)
    moved = zip(operands, steps, strict=True)
    return sizes, [replace(each, steps=tuple(new)) for each, new in moved]

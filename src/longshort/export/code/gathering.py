"""Steps that put elements together, or take them at computed places, as loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.errors import RunError
from longshort.export.code.arrays import Array, Builder, Operand, Rule, Value, quantised
from longshort.export.code.loops import apply
from longshort.export.code.pointwise import dtype_of
from longshort.runtime.steps import STEPS


def has_array(value: Any) -> bool:
    """Whether an argument holds an array that is not known beforehand."""
    if isinstance(value, list | tuple):
        return any(has_array(each) for each in value)
    return isinstance(value, Array)


def _joined(b: Builder, parts: Sequence[Value], dim: int = 0) -> Array:
    shapes = [each.shape for each in parts if each.shape != (0,)]
    axis = dim % len(shapes[0])
    sizes = list(shapes[0])
    sizes[axis] = sum(shape[axis] for shape in shapes)
    found = b.empty(sizes, dtype_of(*parts))
    begin = 0
    for each in parts:
        if each.shape == (0,):
            continue
        there = [slice(None)] * len(sizes)
        there[axis] = slice(begin, begin + each.shape[axis])
        b.copy(each, found[tuple(there)])
        begin += each.shape[axis]
    return found


def stacked(b: Builder, parts: Sequence[Value], dim: int = 0) -> Array:
    """Join parts along a new axis."""
    wide = [
        each.at(np.expand_dims(each.places, dim)) if isinstance(each, Array)
        else np.expand_dims(each, dim)
        for each in parts
    ]  # fmt: skip
    return _joined(b, wide, dim)


def padded(
    b: Builder, x: Array, pads: Sequence[int], mode: str = "constant", value: float | None = 0.0
) -> Array:
    """Return an array within zeros, or another value; arguments as of the step `pad`."""
    if mode != "constant":
        raise RunError(f"padding by {mode!r} cannot be written as code")
    rank = len(x.shape)
    widths = [(0, 0)] * rank
    for number in range(0, len(pads), 2):
        widths[rank - 1 - number // 2] = (int(pads[number]), int(pads[number + 1]))
    cut = tuple(
        slice(max(-before, 0), size - max(-after, 0))
        for size, (before, after) in zip(x.shape, widths, strict=True)
    )
    inner = x[cut]
    sizes = [
        size + max(before, 0) + max(after, 0)
        for size, (before, after) in zip(inner.shape, widths, strict=True)
    ]
    found = b.empty(sizes, x.dtype)
    b.map(lambda p: p, np.asarray([value or 0.0], np.float32), into=found)
    there = tuple(
        slice(max(before, 0), max(before, 0) + size)
        for size, (before, _) in zip(inner.shape, widths, strict=True)
    )
    b.copy(inner, found[there])
    return found


def _embedding(b: Builder, weight: Value, numbers: Array, *_: Any) -> Array:
    if isinstance(weight, Array) or not b.pool.int8 or weight.shape[-1] < 4:
        return _taken(b, weight, 0, numbers)
    codes, scales = quantised(weight, 0)
    factors = _taken(b, scales[:, None], 0, numbers)
    return b.map(lambda p, q: apply("mul", p, q), _taken(b, codes, 0, numbers), factors)


def _taken(b: Builder, x: Value, dim: int, numbers: Value) -> Array:
    """Take along an axis as `numpy.take` does."""
    if not isinstance(numbers, Array):
        assert isinstance(x, Array)
        return x.at(np.take(x.places, numbers, dim))
    source = b.array(x)
    axis = dim % len(source.shape)
    return _chosen(b, source, {axis: numbers}, axis)


def _chosen(b: Builder, source: Array, numbers: dict[int, Array], at: int) -> Array:
    """Take at computed places of some axes; their common axes stand at `at` of the result."""
    common = np.broadcast_shapes(*(each.shape for each in numbers.values()))
    rest = [axis for axis in range(len(source.shape)) if axis not in numbers]
    steps = Operand.of(source, len(source.shape))
    shape = [source.shape[axis] for axis in rest]
    still = [steps.steps[axis] for axis in rest]
    shape[at:at], still[at:at] = common, [0] * len(common)
    found = b.empty(shape, source.dtype)
    after = len(rest) - at
    chosen = []
    for axis, each in numbers.items():
        given = b.array(each)
        wide = np.broadcast_to(given.places, common).reshape(*common, *[1] * after)
        places = np.broadcast_to(wide, shape)
        chosen.append((given.at(places), steps.steps[axis], source.shape[axis]))
    return b.indexed(found, Operand(source, steps.offset, tuple(still)), chosen)


def _index(b: Builder, x: Value, indices: Sequence[Value | None]) -> Array:
    given = {axis: each for axis, each in enumerate(indices) if each is not None}
    if isinstance(x, Array) and not has_array(list(indices)):
        return x.at(STEPS["index.Tensor"](x.places, list(indices)))
    if any(each.dtype.kind == "b" for each in given.values()):
        raise RunError("an index of truth values cannot be written as code")
    numbers = {axis: b.array(each) for axis, each in given.items()}
    real = list(given)
    together = real == list(range(real[0], real[0] + len(real)))
    return _chosen(b, b.array(x), numbers, real[0] if together else 0)


def _gather(b: Builder, x: Value, dim: int, index: Value) -> Array:
    axis = dim % len(x.shape)
    if not isinstance(index, Array):
        assert isinstance(x, Array)
        return x.at(STEPS["gather"](x.places, axis, index))
    source = Operand.of(b.array(x), len(x.shape))
    still = tuple(0 if at == axis else step for at, step in enumerate(source.steps))
    base = Operand(source.array, source.offset, still)
    found = b.empty(index.shape, source.array.dtype)
    return b.indexed(found, base, [(b.array(index), source.steps[axis], x.shape[axis])])


def _scatter_add(b: Builder, x: Value, dim: int, index: Value, source: Value) -> Array:
    found = b.empty(x.shape)
    b.copy(x, found)
    b.added_at(found, dim % len(x.shape), b.array(index), _first(source, index.shape))
    return found


def _first(value: Value, shape: Sequence[int]) -> Value:
    return value[tuple(slice(size) for size in shape)]


GATHERING: dict[str, Rule] = {
    "cat": _joined,
    "constant_pad_nd": lambda b, x, pads, value=0: padded(b, x, pads, "constant", value),
    "embedding": _embedding,
    "gather": _gather,
    "index.Tensor": _index,
    "index_select": _taken,
    "pad": padded,
    "scatter_add": _scatter_add,
    "stack": stacked,
}
"""Each of these steps as loops."""

"""How each step of a network's functions becomes loops, where its inputs are not known beforehand.

Arguments are as in `longshort.runtime.steps`, with the builder in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from longshort.errors import RunError
from longshort.export.code.arrays import Array, Builder, Rule, Value
from longshort.export.code.gathering import GATHERING, has_array, padded, stacked
from longshort.export.code.paths import PATHS
from longshort.export.code.pointwise import POINTWISE, two
from longshort.export.code.reductions import INFINITE, REDUCTIONS, larger, plus
from longshort.runtime.convolution import each_axis, padded_sides
from longshort.runtime.steps import STEPS

_SORTED = 32


MOVING = (
    "alias", "clone", "contiguous", "dropout", "expand", "flatten.using_ints", "flip", "getitem",
    "permute", "repeat", "reshape", "select.int", "slice.Tensor", "split.Tensor",
    "split_with_sizes", "squeeze", "squeeze.dim", "squeeze.dims", "t", "transpose.int",
    "unbind.int", "unflatten.int", "unsqueeze", "view",
)  # fmt: skip

"""Steps that move elements of their first argument without computing."""


SHAPED = (
    "full_like", "new_full", "new_ones", "new_zeros", "ones_like", "sym_size.int", "zeros_like",
)  # fmt: skip

"""Steps whose result depends on nothing but shape and dtype of their first argument."""


def lowered(builder: Builder, kind: str, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Write one step; returns an array or a known value, or a list of these.

    Raises `RunError` for a step that cannot be written as loops.
    """
    if not has_array([*arguments, *options.values()]):
        return STEPS[kind](*arguments, **options)
    first = arguments[0] if arguments else None
    if kind == "getitem" and isinstance(first, list | tuple):
        return first[arguments[1]]
    if kind in SHAPED and isinstance(first, Array):
        return STEPS[kind](np.empty(first.shape, first.dtype), *arguments[1:], **options)
    if kind in MOVING and isinstance(first, Array):
        moved = STEPS[kind](first.places, *arguments[1:], **options)
        if isinstance(moved, list | tuple):
            return [first.at(each) for each in moved]
        return first.at(moved)
    if kind not in RULES:
        raise RunError(f"the step {kind} cannot be written as code")
    return RULES[kind](builder, *arguments, **options)


def _linear(b: Builder, x: Value, weight: Value, bias: Value | None = None) -> Array:
    lead = "abcdefg"[: len(x.shape) - 1]
    return b.product(f"{lead}k,ok->{lead}o", x, weight, bias)


def _matmul(b: Builder, x: Value, y: Value) -> Array:
    if len(x.shape) == 1 or len(y.shape) == 1:
        left = "k" if len(x.shape) == 1 else "abcdefg"[: len(x.shape) - 1] + "k"
        right = "k" if len(y.shape) == 1 else "abcdefg"[: len(y.shape) - 2] + "ko"
        out = "".join(c for c in dict.fromkeys(left + right) if c != "k")
        return b.product(f"{left},{right}->{out}", x, y)
    if len(y.shape) == 2 and len(x.shape) > 2:
        lead = "abcdefg"[: len(x.shape) - 1]
        return b.product(f"{lead}k,ko->{lead}o", x, y)
    shape = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    letters = "abcdefg"[: len(shape)]
    one, two = (_spread(each, (*shape, *each.shape[-2:])) for each in (x, y))
    return b.product(f"{letters}nk,{letters}ko->{letters}no", one, two)


def _spread(value: Value, shape: Sequence[int]) -> Value:
    if isinstance(value, Array):
        return value.at(np.broadcast_to(value.places, tuple(shape)))
    return np.broadcast_to(value, tuple(shape))


def _addmm(b: Builder, bias: Value, x: Value, y: Value) -> Array:
    return b.product("nk,ko->no", x, y, bias)


def _bag(
    b: Builder, weight: Value, numbers: Value, begins: Value, _grad: Any = False, mode: int = 0,
    _sparse: Any = False, shares: Value | None = None, *_: Any,
) -> list[Any]:  # fmt: skip
    """Sums of vectors in stretches of numbers, whose limits are known."""
    if isinstance(begins, Array) or mode != 0:
        raise RunError("a bag of numbers whose parts are not known cannot be written as code")
    vectors = lowered(b, "embedding", [weight, numbers], {})
    if shares is not None:
        wide = lowered(b, "unsqueeze", [shares, 1], {})
        vectors = lowered(b, "mul.Tensor", [vectors, wide], {})
    ends = [*begins[1:].tolist(), numbers.shape[0]]
    rows = [
        lowered(b, "sum.dim_IntList", [vectors[first:last], [0]], {})
        for first, last in zip(begins.tolist(), ends, strict=True)
    ]
    return [stacked(b, rows), None, None, None]


def _sort(b: Builder, x: Array, dim: int = -1, descending: bool = False) -> list[Any]:
    """Sort a short axis by exchanging neighbours; the places are not written."""
    count = x.shape[dim]
    if count > _SORTED:
        raise RunError(f"sorting {count} numbers cannot be written as code, {_SORTED} can")
    parts: list[Array] = [x.at(each) for each in np.moveaxis(x.places, dim, 0)]
    first, second = ("max", "min") if descending else ("min", "max")
    for turn in range(count):
        for k in range(turn % 2, count - 1, 2):
            pair = parts[k], parts[k + 1]
            parts[k], parts[k + 1] = two(first)(b, *pair), two(second)(b, *pair)
    return [stacked(b, parts, dim), None]


def _convolution(
    b: Builder, x: Array, weight: Value, bias: Value | None = None, stride: Any = (1,),
    padding: Any = (0,), dilation: Any = (1,), groups: int = 1,
) -> Array:  # fmt: skip
    axes = len(weight.shape) - 2
    kernel = weight.shape[2:]
    steps, holes = (each_axis(value, axes) for value in (stride, dilation))
    sides = padded_sides(kernel, padding, holes)
    if any(map(any, sides)):
        x = padded(b, x, [each for pair in reversed(sides) for each in pair])
    spans = [(size - 1) * hole + 1 for size, hole in zip(kernel, holes, strict=True)]
    windows = sliding_window_view(x.places, spans, tuple(range(2, 2 + axes)))
    skipped = (slice(None), slice(None), *(slice(None, None, step) for step in steps))
    windows = windows[(*skipped, *(slice(None, None, hole) for hole in holes))]
    batch, channels, *rest = windows.shape
    windows = windows.reshape(batch, groups, channels // groups, *rest)
    split = [groups, weight.shape[0] // groups, *weight.shape[1:]]
    filters = lowered(b, "reshape", [weight, split], {})
    s, k = "stu"[:axes], "xyz"[:axes]
    found = b.product(f"bgc{s}{k},goc{k}->b{s}go", x.at(windows), filters)
    flat = found.places.reshape(batch, *rest[:axes], -1)
    if bias is not None:
        found = b.map(plus, found.at(flat), bias)
        flat = found.places
    return found.at(np.moveaxis(flat, -1, 1))


def _max_pool(
    b: Builder, x: Array, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,),
    ceil_mode: bool = False,
) -> Array:  # fmt: skip
    if any(each != 1 for each in each_axis(dilation, 2)) or ceil_mode:
        raise RunError("max_pool2d with holes or parts of windows cannot be written as code")
    sizes = each_axis(kernel, 2)
    steps = each_axis(stride, 2) if stride else sizes
    around = [each for pair in reversed(padded_sides(sizes, padding, [1, 1])) for each in pair]
    wide = padded(b, x, around, value=-INFINITE) if any(around) else x
    windows = sliding_window_view(wide.places, sizes, (2, 3))[:, :, :: steps[0], :: steps[1]]
    return b.reduce(wide.at(windows), [-2, -1], -INFINITE, larger)


RULES: dict[str, Rule] = {
    **POINTWISE,
    **REDUCTIONS,
    **GATHERING,
    **PATHS,
    "addmm": _addmm,
    "bmm": _matmul,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "embedding_bag": _bag,
    "embedding_bag.padding_idx": _bag,
    "linear": _linear,
    "matmul": _matmul,
    "max_pool2d": _max_pool,
    "mm": _matmul,
    "sort": _sort,
}
"""Steps that compute. Those of `MOVING` and `SHAPED` need no code of their own."""

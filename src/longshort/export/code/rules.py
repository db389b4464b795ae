"""How each step of a network's functions becomes loops, where its inputs are not known beforehand.

Arguments are as in `longshort.runtime.steps`, with the builder in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from longshort.errors import RunError
from longshort.export.code.arrays import Array, Builder, Operand, Value, quantised
from longshort.export.code.loops import Expression, apply
from longshort.runtime.convolution import each_axis, padded_sides
from longshort.runtime.steps import STEPS

Rule = Callable[..., Any]
_INFINITE = float("inf")
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
    if not _has_array([*arguments, *options.values()]):
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


def _has_array(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_array(each) for each in value)
    return isinstance(value, Array)


def _dtype(*values: Any) -> np.dtype[Any]:
    """Return the dtype of a result of arithmetic on these, as NumPy and torch have it."""
    kinds = [each.dtype if hasattr(each, "dtype") else np.dtype(type(each)) for each in values]
    if any(each.kind == "f" for each in kinds):
        return np.dtype(np.float32)
    return np.dtype(bool) if all(each.kind == "b" for each in kinds) else np.dtype(np.int64)


def _one(*ops: str) -> Rule:
    """Return a rule that applies operations of one number, one after the other."""

    def rule(b: Builder, x: Array) -> Array:
        def compute(value: Expression) -> Expression:
            for op in ops:
                value = apply(op, value)
            return value

        return b.map(compute, x, dtype=x.dtype)

    return rule


def _two(op: str) -> Rule:
    def rule(b: Builder, x: Value | float, y: Value | float) -> Array:
        return b.map(lambda p, q: apply(op, p, q), x, y, dtype=_dtype(x, y))

    return rule


def _sum(sign: str) -> Rule:
    def rule(b: Builder, x: Value | float, y: Value | float, alpha: float = 1) -> Array:
        def compute(p: Expression, q: Expression) -> Expression:
            return apply(sign, p, q if alpha == 1 else apply("mul", q, float(alpha)))

        return b.map(compute, x, y, dtype=_dtype(x, y))

    return rule


def _log1p(p: Expression) -> Expression:
    """log(1 + p), corrected for what is lost of a small p (Kahan)."""
    u = apply("add", p, 1.0)
    found = apply("div", apply("mul", apply("log", u), p), apply("sub", u, 1.0))
    return apply("select", apply("equal", u, 1.0), p, found)


def _compare(compute: Callable[[Expression, Expression], Expression]) -> Rule:
    def rule(b: Builder, x: Value | float, y: Value | float) -> Array:
        return b.map(compute, x, y, dtype=bool)

    return rule


def _not(value: Expression) -> Expression:
    return apply("equal", value, 0.0)


def _logical(op: str) -> Rule:
    def rule(b: Builder, x: Value, y: Value) -> Array:
        if "b" not in {x.dtype.kind} & {y.dtype.kind}:
            raise RunError("bitwise steps on whole numbers cannot be written as code")
        return b.map(lambda p, q: apply(op, p, q), x, y, dtype=bool)

    return rule


def _divide(b: Builder, x: Any, y: Any, rounding_mode: str | None = None) -> Array:
    if rounding_mode is None:
        return b.map(lambda p, q: apply("div", p, q), x, y)
    if rounding_mode != "floor":
        raise RunError(f"division with {rounding_mode=} cannot be written as code")
    return b.map(lambda p, q: apply("floor", apply("div", p, q)), x, y, dtype=_dtype(x, y))


def _power(b: Builder, x: Array, power: float) -> Array:
    if power == 0.5:
        return b.map(lambda p: apply("root", p), x)
    if power != int(power) or not 1 <= power <= 8:
        raise RunError(f"the power {power} cannot be written as code")

    def compute(p: Expression) -> Expression:
        found = p
        for _ in range(int(power) - 1):
            found = apply("mul", found, p)
        return found

    return b.map(compute, x, dtype=x.dtype)


def _where(b: Builder, condition: Value, x: Any, y: Any) -> Array:
    return b.map(lambda c, p, q: apply("select", c, p, q), condition, x, y, dtype=_dtype(x, y))


def _filled(b: Builder, x: Value, mask: Value, value: Any) -> Array:
    return b.map(lambda p, m, v: apply("select", m, v, p), x, mask, _number(value), dtype=x.dtype)


def _number(value: Any) -> Any:
    return value if isinstance(value, Array) else float(value)


def _clamp(b: Builder, x: Array, least: Any = None, most: Any = None) -> Array:
    def compute(p: Expression) -> Expression:
        p = p if least is None else apply("max", p, float(least))
        return p if most is None else apply("min", p, float(most))

    return b.map(compute, x, dtype=x.dtype)


def _toward_zero(p: Expression) -> Expression:
    below = apply("negate", apply("floor", apply("negate", p)))
    return apply("select", apply("less", p, 0.0), below, apply("floor", p))


def _cast(b: Builder, x: Array, dtype: str | None = None, *_: Any, **__: Any) -> Array:
    kind = x.dtype if dtype is None else np.dtype(dtype)
    if kind.kind == "b" and x.dtype.kind != "b":
        return b.map(lambda p: _not(apply("equal", p, 0.0)), x, dtype=bool)
    if kind.kind in "iu" and x.dtype.kind == "f":
        return b.map(_toward_zero, x, dtype=kind)
    return Array(x.buffer, x.places, kind, x.moves)


def _axes(x: Array, dim: Any) -> list[int]:
    if dim is None or dim == []:
        return list(range(len(x.shape)))
    return [dim] if isinstance(dim, int) else list(dim)


def _add(p: Expression, q: Expression) -> Expression:
    return apply("add", p, q)


def _largest(p: Expression, q: Expression) -> Expression:
    return apply("max", p, q)


def _total(
    b: Builder, x: Array, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    found = b.reduce(x, _axes(x, dim), 0.0, _add, keepdim)
    kind = np.dtype(dtype) if dtype else x.dtype
    return Array(found.buffer, found.places, np.dtype(np.int64) if kind.kind == "b" else kind)


def _mean(b: Builder, x: Array, dim: Any = None, keepdim: bool = False, **_: Any) -> Array:
    count = math.prod(x.shape[axis] for axis in _axes(x, dim))
    return b.map(lambda p: apply("mul", p, 1.0 / count), _total(b, x, dim, keepdim))


def _extreme(op: str, start: float) -> Rule:
    def rule(b: Builder, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
        return b.reduce(x, _axes(x, dim), start, lambda p, q: apply(op, p, q), keepdim)

    return rule


def _variance(
    b: Builder, x: Array, dim: Any = None, correction: Any = 1, keepdim: bool = False
) -> Array:
    axes = _axes(x, dim)
    count = math.prod(x.shape[axis] for axis in axes)
    centred = b.map(lambda p, q: apply("sub", p, q), x, _mean(b, x, axes, keepdim=True))
    squares = b.map(lambda p: apply("mul", p, p), centred)
    less = 1 if correction is None else correction
    return b.map(lambda p: apply("div", p, float(count - less)), _total(b, squares, axes, keepdim))


def _highest(b: Builder, x: Array, axes: Sequence[int]) -> Array:
    most = b.reduce(x, axes, -_INFINITE, _largest, keep=True)
    return b.map(lambda p: apply("select", apply("equal", p, -_INFINITE), 0.0, p), most)


def _powers(b: Builder, x: Array, axes: Sequence[int]) -> tuple[Array, Array, Array]:
    """Return x below its highest value, e to the power of that, and that value."""
    most = _highest(b, x, axes)
    below = b.map(lambda p, q: apply("sub", p, q), x, most)
    return below, b.map(lambda p: apply("exp", p), below), most


def _softmax(b: Builder, x: Array, dim: int, *_: Any) -> Array:
    _below, powers, _most = _powers(b, x, [dim])
    total = b.reduce(powers, [dim], 0.0, _add, keep=True)
    return b.map(lambda p, q: apply("div", p, q), powers, total)


def _log_softmax(b: Builder, x: Array, dim: int, *_: Any) -> Array:
    below, powers, _most = _powers(b, x, [dim])
    total = b.map(lambda p: apply("log", p), b.reduce(powers, [dim], 0.0, _add, keep=True))
    return b.map(lambda p, q: apply("sub", p, q), below, total)


def _log_sum(b: Builder, x: Array, dim: Sequence[int], keepdim: bool = False) -> Array:
    _below, powers, most = _powers(b, x, dim)
    total = b.reduce(powers, dim, 0.0, _add, keep=True)
    found = b.map(lambda p, q: apply("add", apply("log", p), q), total, most)
    if keepdim:
        return found
    return found.at(found.places.squeeze(tuple(dim)))


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


def _joined(b: Builder, parts: Sequence[Value], dim: int = 0) -> Array:
    shapes = [each.shape for each in parts if each.shape != (0,)]
    axis = dim % len(shapes[0])
    sizes = list(shapes[0])
    sizes[axis] = sum(shape[axis] for shape in shapes)
    found = b.empty(sizes, _dtype(*parts))
    begin = 0
    for each in parts:
        if each.shape == (0,):
            continue
        there = [slice(None)] * len(sizes)
        there[axis] = slice(begin, begin + each.shape[axis])
        b.copy(each, found[tuple(there)])
        begin += each.shape[axis]
    return found


def _stack(b: Builder, parts: Sequence[Value], dim: int = 0) -> Array:
    wide = [
        each.at(np.expand_dims(each.places, dim)) if isinstance(each, Array)
        else np.expand_dims(each, dim)
        for each in parts
    ]  # fmt: skip
    return _joined(b, wide, dim)


def _pad(
    b: Builder, x: Array, pads: Sequence[int], mode: str = "constant", value: float | None = 0.0
) -> Array:
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
    real = [axis for axis, each in enumerate(indices) if each is not None]
    if isinstance(x, Array) and not _has_array(list(indices)):
        return x.at(STEPS["index.Tensor"](x.places, list(indices)))
    if any(indices[axis].dtype.kind == "b" for axis in real):  # type: ignore[union-attr]
        raise RunError("an index of truth values cannot be written as code")
    numbers = {axis: b.array(indices[axis]) for axis in real}  # type: ignore[arg-type]
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
    return [_stack(b, rows), None, None, None]


def _best(b: Builder, x: Array, dim: int, keepdim: bool = False) -> list[Array]:
    values = b.reduce(x, [dim], -_INFINITE, _largest, keepdim)
    return [values, _argmax(b, x, dim, keepdim)]


def _argmax(b: Builder, x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    if dim is None:
        return b.place_of_best(x.at(x.places.reshape(-1)), 0)
    found = b.place_of_best(x, dim)
    return found.at(np.expand_dims(found.places, dim)) if keepdim else found


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
            parts[k], parts[k + 1] = _two(first)(b, *pair), _two(second)(b, *pair)
    return [_stack(b, parts, dim), None]


def _convolution(
    b: Builder, x: Array, weight: Value, bias: Value | None = None, stride: Any = (1,),
    padding: Any = (0,), dilation: Any = (1,), groups: int = 1,
) -> Array:  # fmt: skip
    axes = len(weight.shape) - 2
    kernel = weight.shape[2:]
    steps, holes = (each_axis(value, axes) for value in (stride, dilation))
    sides = padded_sides(kernel, padding, holes)
    if any(map(any, sides)):
        x = _pad(b, x, [each for pair in reversed(sides) for each in pair])
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
        found = b.map(_add, found.at(flat), bias)
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
    wide = _pad(b, x, around, value=-_INFINITE) if any(around) else x
    windows = sliding_window_view(wide.places, sizes, (2, 3))[:, :, :: steps[0], :: steps[1]]
    return b.reduce(wide.at(windows), [-2, -1], -_INFINITE, _largest)


def _layer_norm(
    b: Builder, x: Array, shape: Sequence[int], weight: Value | None = None,
    bias: Value | None = None, epsilon: float = 1e-5, *_: Any,
) -> Array:  # fmt: skip
    axes = list(range(len(x.shape) - len(shape), len(x.shape)))
    found = standardised(b, x, axes, epsilon)
    found = found if weight is None else b.map(lambda p, q: apply("mul", p, q), found, weight)
    return found if bias is None else b.map(_add, found, bias)


def standardised(b: Builder, x: Array, axes: Sequence[int], epsilon: float) -> Array:
    """Return x minus its mean along axes, over its standard deviation."""
    centred = b.map(lambda p, q: apply("sub", p, q), x, _mean(b, x, list(axes), keepdim=True))
    squares = b.map(lambda p: apply("mul", p, p), centred)
    variance = _mean(b, squares, list(axes), keepdim=True)
    deviation = b.map(lambda p: apply("root", apply("add", p, epsilon)), variance)
    return b.map(lambda p, q: apply("div", p, q), centred, deviation)


def _batch_norm(
    b: Builder, x: Array, weight: Any, bias: Any, mean: Any, variance: Any, _: float,
    epsilon: float,
) -> list[Any]:  # fmt: skip
    scale = 1 / np.sqrt(variance + np.float32(epsilon))
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    shape = (1, -1, *[1] * (len(x.shape) - 2))
    found = b.map(lambda p, q: apply("mul", p, q), x, scale.reshape(shape))
    return [b.map(_add, found, shift.reshape(shape)), None, None]


_LESS = _compare(lambda p, q: apply("less", p, q))
_MORE = _compare(lambda p, q: apply("less", q, p))
_AT_LEAST = _compare(lambda p, q: apply("max", apply("less", q, p), apply("equal", p, q)))
_AT_MOST = _compare(lambda p, q: apply("max", apply("less", p, q), apply("equal", p, q)))
_EQUAL = _compare(lambda p, q: apply("equal", p, q))
_OTHER = _compare(lambda p, q: _not(apply("equal", p, q)))

RULES: dict[str, Rule] = {
    "abs": _one("absolute"),
    "add.Tensor": _sum("add"),
    "addmm": _addmm,
    "amax": _extreme("max", -_INFINITE),
    "amin": _extreme("min", _INFINITE),
    "argmax": _argmax,
    "bitwise_and.Tensor": _logical("min"),
    "bitwise_not": lambda b, x: b.map(_not, x, dtype=bool),
    "bitwise_or.Tensor": _logical("max"),
    "bmm": _matmul,
    "cat": _joined,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "constant_pad_nd": lambda b, x, pads, value=0: _pad(b, x, pads, "constant", value),
    "conv1d": _convolution,
    "conv2d": _convolution,
    "div.Tensor": _divide,
    "div.Tensor_mode": _divide,
    "embedding": _embedding,
    "embedding_bag": _bag,
    "embedding_bag.padding_idx": _bag,
    "eq.Scalar": _EQUAL,
    "eq.Tensor": _EQUAL,
    "exp": _one("exp"),
    "gather": _gather,
    "ge.Scalar": _AT_LEAST,
    "ge.Tensor": _AT_LEAST,
    "gt.Scalar": _MORE,
    "gt.Tensor": _MORE,
    "index.Tensor": _index,
    "index_select": _taken,
    "layer_norm": _layer_norm,
    "le.Scalar": _AT_MOST,
    "le.Tensor": _AT_MOST,
    "linear": _linear,
    "log": _one("log"),
    "log1p": lambda b, x: b.map(_log1p, x),
    "log_softmax.int": _log_softmax,
    "_log_softmax": _log_softmax,
    "logical_and": _logical("min"),
    "logical_not": lambda b, x: b.map(_not, x, dtype=bool),
    "logsumexp": _log_sum,
    "lt.Scalar": _LESS,
    "lt.Tensor": _LESS,
    "masked_fill.Scalar": _filled,
    "masked_fill.Tensor": _filled,
    "matmul": _matmul,
    "max.dim": _best,
    "max_pool2d": _max_pool,
    "maximum": _two("max"),
    "mean": _mean,
    "mean.dim": _mean,
    "minimum": _two("min"),
    "mm": _matmul,
    "mul.Tensor": _two("mul"),
    "_native_batch_norm_legit_no_training": _batch_norm,
    "ne.Scalar": _OTHER,
    "ne.Tensor": _OTHER,
    "neg": _one("negate"),
    "pad": _pad,
    "pow.Tensor_Scalar": _power,
    "reciprocal": lambda b, x: b.map(lambda p: apply("div", 1.0, p), x),
    "relu": lambda b, x: b.map(lambda p: apply("max", p, 0.0), x),
    "rsqrt": lambda b, x: b.map(lambda p: apply("div", 1.0, apply("root", p)), x),
    "rsub.Scalar": lambda b, x, y: _sum("sub")(b, y, x),
    "scatter_add": _scatter_add,
    "sigmoid": _one("sigmoid"),
    "softmax.int": _softmax,
    "_softmax": _softmax,
    "sort": _sort,
    "sqrt": _one("root"),
    "square": lambda b, x: b.map(lambda p: apply("mul", p, p), x, dtype=x.dtype),
    "stack": _stack,
    "sub.Tensor": _sum("sub"),
    "sum": _total,
    "sum.dim_IntList": _total,
    "tanh": _one("tanh"),
    "_to_copy": _cast,
    "to.dtype": _cast,
    "var.correction": _variance,
    "where.self": _where,
    "where.ScalarOther": _where,
    "where.ScalarSelf": _where,
}
"""Steps that compute. Those of `MOVING` and `SHAPED` need no code of their own."""

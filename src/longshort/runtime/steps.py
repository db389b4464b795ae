"""The closed list of steps of which a network's graphs consist, in NumPy.

Names and arguments are those of the operators of torch's export (`torch.ops.aten`), each checked
against torch. Nothing is looked up by name outside of `STEPS`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.runtime.convolution import convolution, max_pool
from longshort.runtime.paths import best_path
from longshort.runtime.scan import scan

Array = NDArray[Any]


def _two(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of two arrays or numbers; whole ones are as wide as a fraction beside."""

    def applied(a: Any, b: Any) -> Any:
        return function(_beside(a, b), _beside(b, a))

    return applied


def _beside(value: Any, other: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype.kind == "f":
        return value
    if isinstance(other, np.ndarray) and other.dtype.kind == "f":
        return value.astype(other.dtype)
    return value.astype(np.float32) if isinstance(other, float) else value


def _add(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _two(np.add)(a, b if alpha == 1 else b * alpha)


def _subtract(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _two(np.subtract)(a, b if alpha == 1 else b * alpha)


def _divide(a: Any, b: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode == "floor":
        return _two(np.floor_divide)(a, b)
    found = _two(np.true_divide)(a, b)
    is_whole = all(not isinstance(x, np.ndarray) or x.dtype.kind in "iub" for x in (a, b))
    return np.asarray(found, np.float32) if is_whole else found


def _sigmoid(a: Array) -> Array:
    half = np.tanh(a * a.dtype.type(0.5))
    return np.asarray((half + a.dtype.type(1)) * a.dtype.type(0.5))


def _softmax(a: Array, dim: int, _half: bool = False) -> Array:
    found = np.exp(a - _highest(a, dim))
    return np.asarray(found / found.sum(dim, keepdims=True))


def _log_softmax(a: Array, dim: int, _half: bool = False) -> Array:
    centred = a - _highest(a, dim)
    return np.asarray(centred - np.log(np.exp(centred).sum(dim, keepdims=True)))


def _highest(a: Array, dim: int) -> Array:
    """Maxima along an axis; 0 in place of minus infinity, where nothing is left."""
    most = a.max(dim, keepdims=True)
    return np.asarray(np.where(np.isneginf(most), 0, most))


def _log_sum(a: Array, dim: Sequence[int], keepdim: bool = False) -> Array:
    axes = tuple(dim)
    most = a.max(axes, keepdims=True)
    most = np.where(np.isneginf(most), 0, most)
    with np.errstate(divide="ignore"):
        found = np.log(np.exp(a - most).sum(axes, keepdims=True)) + most
    return np.asarray(found if keepdim else found.squeeze(axes))


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    found = x @ weight.T
    return found if bias is None else found + bias


def _addmm(bias: Array, a: Array, b: Array) -> Array:
    return np.asarray(a @ b + bias)


def _embedding(weight: Array, numbers: Array, *_: Any) -> Array:
    return np.asarray(weight[numbers])


def _embedding_bag(
    weight: Array, numbers: Array, begins: Array, _grad: Any = False, mode: int = 0,
    _sparse: Any = False, shares: Array | None = None, _last: Any = False, _pad: Any = -1,
) -> tuple[Array, None, None, None]:  # fmt: skip
    """Sums of vectors in stretches of `numbers`, times their shares."""
    if mode != 0:
        raise ValueError("embedding_bag: only sums are known")
    vectors = weight[numbers] if shares is None else weight[numbers] * shares[:, None]
    found = np.zeros((len(begins), weight.shape[1]), weight.dtype)
    ends = [*begins[1:].tolist(), len(numbers)]
    for row, (first, last) in enumerate(zip(begins.tolist(), ends, strict=True)):
        found[row] = vectors[first:last].sum(0)
    return found, None, None, None


def _slice(
    x: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _select(x: Array, dim: int, index: int) -> Array:
    return np.asarray(x[(slice(None),) * (dim % x.ndim) + (int(index),)])


def _index(x: Array, indices: Sequence[Array | None]) -> Array:
    return np.asarray(x[tuple(slice(None) if each is None else each for each in indices)])


def _expand(x: Array, sizes: Sequence[int], _implicit: bool = False) -> Array:
    led = len(sizes) - x.ndim
    shape = [x.shape[place - led] if size == -1 else int(size) for place, size in enumerate(sizes)]
    return np.broadcast_to(x, shape)


def _view(x: Array, sizes: Sequence[int]) -> Array:
    return x.reshape([int(size) for size in sizes])


def _squeeze(x: Array, dim: int | Sequence[int] | None = None) -> Array:
    if dim is None:
        return x.squeeze()
    axes = [dim] if isinstance(dim, int) else list(dim)
    return x.squeeze(tuple(axis for axis in axes if x.shape[axis] == 1))


def _pad(x: Array, pads: Sequence[int], mode: str = "constant", value: Any = 0.0) -> Array:
    """Pad or, where a number is negative, cut; pairs from the last axis backwards."""
    if mode != "constant":
        raise ValueError(f"pad: the mode {mode!r} is not known")
    pairs = [(int(pads[i]), int(pads[i + 1])) for i in range(0, len(pads), 2)]
    for axis, (before, after) in enumerate(pairs):
        place = x.ndim - 1 - axis
        widths = [(0, 0)] * x.ndim
        widths[place] = (max(before, 0), max(after, 0))
        x = np.pad(x, widths, constant_values=0.0 if value is None else value)
        x = _slice(x, place, max(-before, 0), x.shape[place] - max(-after, 0))
    return x


def _new(value: Any) -> Callable[..., Array]:
    def made(x: Array, sizes: Sequence[int], dtype: str | None = None, **_: Any) -> Array:
        shape = [int(size) for size in sizes]
        return np.full(shape, value, x.dtype if dtype is None else np.dtype(dtype))

    return made


def _full(sizes: Sequence[int], value: Any, dtype: str | None = None, **_: Any) -> Array:
    return np.full([int(size) for size in sizes], value, np.dtype(dtype or "float32"))


def _full_like(x: Array, value: Any, dtype: str | None = None, **_: Any) -> Array:
    return np.full_like(x, value, x.dtype if dtype is None else np.dtype(dtype))


def _arange(*limits: Any, dtype: str | None = None, **_: Any) -> Array:
    return np.arange(*limits, dtype=np.dtype(dtype or "int64"))


def _reduced(name: str) -> Callable[..., Any]:
    def applied(x: Array, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
        axes = None if dim is None or dim == [] else dim if isinstance(dim, int) else tuple(dim)
        if dtype is not None:
            x = x.astype(dtype)
        if name == "sum" and x.dtype.kind == "b":
            x = x.astype(np.int64)
        found = getattr(x, name)(axes, keepdims=keepdim)
        return np.asarray(found)

    return applied


def _variance(x: Array, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Array:
    axes = None if dim is None else tuple(dim)
    return np.asarray(x.var(axes, ddof=1 if correction is None else correction, keepdims=keepdim))


def _max_along(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    place = x.argmax(dim, keepdims=True)
    values = np.take_along_axis(x, place, dim)
    return (values, place) if keepdim else (values.squeeze(dim), place.squeeze(dim))


def _argmax(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    return np.asarray(np.argmax(x, dim, keepdims=keepdim))


def _sort(x: Array, dim: int = -1, descending: bool = False) -> tuple[Array, Array]:
    order = np.argsort(-x if descending else x, dim, kind="stable")
    return np.take_along_axis(x, order, dim), order


def _gather(x: Array, dim: int, index: Array) -> Array:
    """Take places along an axis; of the other axes as many as the index has."""
    axis = dim % x.ndim
    kept = tuple(slice(None if at == axis else size) for at, size in enumerate(index.shape))
    return np.take_along_axis(x[kept], index, axis)


def _scatter_add(x: Array, dim: int, index: Array, source: Array) -> Array:
    """Sums into places along an axis; other axes keep theirs."""
    found = x.copy()
    places: list[Array] = list(np.indices(index.shape, sparse=True))
    places[dim] = index
    np.add.at(found, tuple(places), source[tuple(slice(size) for size in index.shape)])
    return found


def _where(condition: Array, a: Any, b: Any) -> Array:
    like = a if isinstance(a, np.ndarray) else b
    if isinstance(like, np.ndarray):
        a, b = (each if isinstance(each, np.ndarray) else like.dtype.type(each) for each in (a, b))
    return np.asarray(np.where(condition, a, b))


def _masked_fill(x: Array, mask: Array, value: Any) -> Array:
    return np.asarray(np.where(mask, np.asarray(value, x.dtype), x))


def _clamp(x: Array, least: Any = None, most: Any = None) -> Array:
    return np.asarray(np.clip(x, least, most)).astype(x.dtype, copy=False)


def _cast(x: Array, dtype: str | None = None, **_: Any) -> Array:
    return x if dtype is None else x.astype(np.dtype(dtype))


def _split(x: Array, size: int | Sequence[int], dim: int = 0) -> list[Array]:
    sizes = [size] * math.ceil(x.shape[dim] / size) if isinstance(size, int) else list(size)
    ends = np.cumsum([int(each) for each in sizes])[:-1]
    return list(np.split(x, ends.tolist(), dim))


def _layer_norm(
    x: Array, shape: Sequence[int], weight: Array | None = None, bias: Array | None = None,
    epsilon: float = 1e-5, *_: Any,
) -> Array:  # fmt: skip
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    found = centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + epsilon)
    found = found if weight is None else found * weight
    return np.asarray(found if bias is None else found + bias)


def _batch_norm(
    x: Array, weight: Array | None, bias: Array | None, mean: Array, variance: Array,
    _momentum: float, epsilon: float,
) -> tuple[Array, None, None]:  # fmt: skip
    """Batch norm of a trained network: by the means and variances of its training."""
    shape = (1, -1, *[1] * (x.ndim - 2))
    scale = 1 / np.sqrt(variance + epsilon)
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return x * scale.reshape(shape) + shift.reshape(shape), None, None


STEPS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add.Tensor": _add,
    "add": operator.add,
    "addmm": _addmm,
    "_unsafe_view": _view,
    "alias": lambda x: x,
    "amax": _reduced("max"),
    "amin": _reduced("min"),
    "arange": _arange,
    "arange.start": _arange,
    "arange.start_step": _arange,
    "argmax": _argmax,
    "bitwise_and.Tensor": np.bitwise_and,
    "bitwise_not": np.invert,
    "bitwise_or.Tensor": np.bitwise_or,
    "bmm": np.matmul,
    "cat": lambda parts, dim=0: np.concatenate(parts, dim),
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clone": lambda x, **_: x,
    "constant_pad_nd": lambda x, pads, value=0: _pad(x, pads, "constant", value),
    "contiguous": lambda x, **_: x,
    "conv1d": convolution,
    "conv2d": convolution,
    "div.Tensor": _divide,
    "div.Tensor_mode": _divide,
    "dropout": lambda x, *_: x,
    "embedding": _embedding,
    "embedding_bag.padding_idx": _embedding_bag,
    "embedding_bag": _embedding_bag,
    "eq.Scalar": np.equal,
    "eq.Tensor": np.equal,
    "exp": np.exp,
    "expand": _expand,
    "flatten.using_ints": lambda x, first=0, last=-1: x.reshape(
        *x.shape[: first % x.ndim], -1, *x.shape[last % x.ndim + 1 :]
    ),
    "flip": lambda x, dims: np.flip(x, tuple(dims)),
    "floor_divide": _two(np.floor_divide),
    "floordiv": operator.floordiv,
    "full": _full,
    "full_like": _full_like,
    "gather": _gather,
    "ge.Scalar": np.greater_equal,
    "ge.Tensor": np.greater_equal,
    "getitem": operator.getitem,
    "gt.Scalar": np.greater,
    "gt.Tensor": np.greater,
    "index.Tensor": _index,
    "index_select": lambda x, dim, index: np.take(x, index, dim),
    "layer_norm": _layer_norm,
    "le.Scalar": np.less_equal,
    "le.Tensor": np.less_equal,
    "linear": _linear,
    "log": np.log,
    "log1p": np.log1p,
    "log_softmax.int": lambda x, dim, dtype=None: _log_softmax(_cast(x, dtype), dim),
    "_log_softmax": _log_softmax,
    "logical_and": np.logical_and,
    "logical_not": np.logical_not,
    "logsumexp": _log_sum,
    "lt.Scalar": np.less,
    "lt.Tensor": np.less,
    "masked_fill.Scalar": _masked_fill,
    "masked_fill.Tensor": _masked_fill,
    "matmul": np.matmul,
    "max.dim": _max_along,
    "max_pool2d": max_pool,
    "maximum": np.maximum,
    "mean.dim": _reduced("mean"),
    "mean": _reduced("mean"),
    "minimum": np.minimum,
    "mm": np.matmul,
    "mod": operator.mod,
    "mul.Tensor": _two(np.multiply),
    "mul": operator.mul,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "ne.Scalar": np.not_equal,
    "ne.Tensor": np.not_equal,
    "neg": operator.neg,
    "new_ones": _new(1),
    "new_zeros": _new(0),
    "new_full": lambda x, sizes, value, **more: _new(value)(x, sizes, **more),
    "ones": lambda sizes, **more: _full(sizes, 1, **more),
    "ones_like": lambda x, **more: _full_like(x, 1, **more),
    "pad": _pad,
    "permute": lambda x, dims: x.transpose(dims),
    "pow.Tensor_Scalar": lambda x, power: x**power,
    "reciprocal": lambda x: np.reciprocal(x),
    "relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "repeat": lambda x, counts: np.tile(x, [int(each) for each in counts]),
    "reshape": _view,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "rsub.Scalar": lambda a, b: _two(np.subtract)(b, a),
    "longshort.best_path": best_path,
    "longshort.scan": scan,
    "scalar_tensor": lambda value, dtype=None, **_: np.asarray(value, dtype or "float32"),
    "scatter_add": _scatter_add,
    "select.int": _select,
    "sigmoid": _sigmoid,
    "slice.Tensor": _slice,
    "softmax.int": lambda x, dim, dtype=None: _softmax(_cast(x, dtype), dim),
    "_softmax": _softmax,
    "sort": _sort,
    "split.Tensor": _split,
    "split_with_sizes": _split,
    "sqrt": np.sqrt,
    "square": np.square,
    "squeeze": _squeeze,
    "squeeze.dim": _squeeze,
    "squeeze.dims": _squeeze,
    "stack": lambda parts, dim=0: np.stack(parts, dim),
    "sub.Tensor": _subtract,
    "sub": operator.sub,
    "sum": _reduced("sum"),
    "sum.dim_IntList": _reduced("sum"),
    "sym_size.int": lambda x, dim: x.shape[dim],
    "t": lambda x: x.T,
    "tanh": np.tanh,
    "_to_copy": _cast,
    "to.dtype": lambda x, dtype, *_: _cast(x, dtype),
    "transpose.int": lambda x, a, b: np.swapaxes(x, a, b),
    "truediv": operator.truediv,
    "unbind.int": lambda x, dim=0: [np.asarray(each) for each in np.moveaxis(x, dim, 0)],
    "unflatten.int": lambda x, dim, sizes: x.reshape(
        *x.shape[: dim % x.ndim], *[int(each) for each in sizes], *x.shape[dim % x.ndim + 1 :]
    ),
    "unsqueeze": np.expand_dims,
    "var.correction": _variance,
    "view": _view,
    "where.self": _where,
    "where.ScalarOther": _where,
    "where.ScalarSelf": _where,
    "zeros": lambda sizes, **more: _full(sizes, 0, **more),
    "zeros_like": lambda x, **more: _full_like(x, 0, **more),
}
"""What each step does, by its name."""

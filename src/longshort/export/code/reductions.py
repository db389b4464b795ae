"""Steps that join the elements along axes, as loops: sums, extremes, softmax, norms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.export.code.arrays import Array, Builder, Rule, Value
from longshort.export.code.loops import Expression, apply

INFINITE = float("inf")


def _axes(x: Array, dim: Any) -> list[int]:
    if dim is None or dim == []:
        return list(range(len(x.shape)))
    return [dim] if isinstance(dim, int) else list(dim)


def plus(p: Expression, q: Expression) -> Expression:
    """Add two numbers."""
    return apply("add", p, q)


def larger(p: Expression, q: Expression) -> Expression:
    """Return the larger of two numbers."""
    return apply("max", p, q)


def _total(
    b: Builder, x: Array, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    found = b.reduce(x, _axes(x, dim), 0.0, plus, keepdim)
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
    most = b.reduce(x, axes, -INFINITE, larger, keep=True)
    return b.map(lambda p: apply("select", apply("equal", p, -INFINITE), 0.0, p), most)


def _powers(b: Builder, x: Array, axes: Sequence[int]) -> tuple[Array, Array, Array]:
    """Return x below its highest value, e to the power of that, and that value."""
    most = _highest(b, x, axes)
    below = b.map(lambda p, q: apply("sub", p, q), x, most)
    return below, b.map(lambda p: apply("exp", p), below), most


def _softmax(b: Builder, x: Array, dim: int, *_: Any) -> Array:
    _below, powers, _most = _powers(b, x, [dim])
    total = b.reduce(powers, [dim], 0.0, plus, keep=True)
    return b.map(lambda p, q: apply("div", p, q), powers, total)


def _log_softmax(b: Builder, x: Array, dim: int, *_: Any) -> Array:
    below, powers, _most = _powers(b, x, [dim])
    total = b.map(lambda p: apply("log", p), b.reduce(powers, [dim], 0.0, plus, keep=True))
    return b.map(lambda p, q: apply("sub", p, q), below, total)


def _log_sum(b: Builder, x: Array, dim: Sequence[int], keepdim: bool = False) -> Array:
    _below, powers, most = _powers(b, x, dim)
    total = b.reduce(powers, dim, 0.0, plus, keep=True)
    found = b.map(lambda p, q: apply("add", apply("log", p), q), total, most)
    if keepdim:
        return found
    return found.at(found.places.squeeze(tuple(dim)))


def _best(b: Builder, x: Array, dim: int, keepdim: bool = False) -> list[Array]:
    values = b.reduce(x, [dim], -INFINITE, larger, keepdim)
    return [values, _argmax(b, x, dim, keepdim)]


def _argmax(b: Builder, x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    if dim is None:
        return b.place_of_best(x.at(x.places.reshape(-1)), 0)
    found = b.place_of_best(x, dim)
    return found.at(np.expand_dims(found.places, dim)) if keepdim else found


def _layer_norm(
    b: Builder, x: Array, shape: Sequence[int], weight: Value | None = None,
    bias: Value | None = None, epsilon: float = 1e-5, *_: Any,
) -> Array:  # fmt: skip
    axes = list(range(len(x.shape) - len(shape), len(x.shape)))
    found = standardised(b, x, axes, epsilon)
    found = found if weight is None else b.map(lambda p, q: apply("mul", p, q), found, weight)
    return found if bias is None else b.map(plus, found, bias)


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
    return [b.map(plus, found, shift.reshape(shape)), None, None]


REDUCTIONS: dict[str, Rule] = {
    "amax": _extreme("max", -INFINITE),
    "amin": _extreme("min", INFINITE),
    "argmax": _argmax,
    "layer_norm": _layer_norm,
    "log_softmax.int": _log_softmax,
    "_log_softmax": _log_softmax,
    "logsumexp": _log_sum,
    "max.dim": _best,
    "mean": _mean,
    "mean.dim": _mean,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "softmax.int": _softmax,
    "_softmax": _softmax,
    "sum": _total,
    "sum.dim_IntList": _total,
    "var.correction": _variance,
}
"""Each of these steps as loops."""

"""Steps that compute each element from the elements beside it, as loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from longshort.errors import RunError
from longshort.export.code.arrays import Array, Builder, Rule, Value
from longshort.export.code.loops import Expression, apply


def dtype_of(*values: Any) -> np.dtype[Any]:
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


def two(op: str) -> Rule:
    """Return a rule that applies an operation of two numbers."""

    def rule(b: Builder, x: Value | float, y: Value | float) -> Array:
        return b.map(lambda p, q: apply(op, p, q), x, y, dtype=dtype_of(x, y))

    return rule


def _sum(sign: str) -> Rule:
    def rule(b: Builder, x: Value | float, y: Value | float, alpha: float = 1) -> Array:
        def compute(p: Expression, q: Expression) -> Expression:
            return apply(sign, p, q if alpha == 1 else apply("mul", q, float(alpha)))

        return b.map(compute, x, y, dtype=dtype_of(x, y))

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
    return b.map(lambda p, q: apply("floor", apply("div", p, q)), x, y, dtype=dtype_of(x, y))


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
    return b.map(lambda c, p, q: apply("select", c, p, q), condition, x, y, dtype=dtype_of(x, y))


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


_LESS = _compare(lambda p, q: apply("less", p, q))


_MORE = _compare(lambda p, q: apply("less", q, p))


_AT_LEAST = _compare(lambda p, q: apply("max", apply("less", q, p), apply("equal", p, q)))


_AT_MOST = _compare(lambda p, q: apply("max", apply("less", p, q), apply("equal", p, q)))


_EQUAL = _compare(lambda p, q: apply("equal", p, q))


_OTHER = _compare(lambda p, q: _not(apply("equal", p, q)))


POINTWISE: dict[str, Rule] = {
    "abs": _one("absolute"),
    "add.Tensor": _sum("add"),
    "bitwise_and.Tensor": _logical("min"),
    "bitwise_not": lambda b, x: b.map(_not, x, dtype=bool),
    "bitwise_or.Tensor": _logical("max"),
    "clamp": _clamp,
    "clamp_min": _clamp,
    "div.Tensor": _divide,
    "div.Tensor_mode": _divide,
    "eq.Scalar": _EQUAL,
    "eq.Tensor": _EQUAL,
    "exp": _one("exp"),
    "ge.Scalar": _AT_LEAST,
    "ge.Tensor": _AT_LEAST,
    "gt.Scalar": _MORE,
    "gt.Tensor": _MORE,
    "le.Scalar": _AT_MOST,
    "le.Tensor": _AT_MOST,
    "log": _one("log"),
    "log1p": lambda b, x: b.map(_log1p, x),
    "logical_and": _logical("min"),
    "logical_not": lambda b, x: b.map(_not, x, dtype=bool),
    "lt.Scalar": _LESS,
    "lt.Tensor": _LESS,
    "masked_fill.Scalar": _filled,
    "masked_fill.Tensor": _filled,
    "maximum": two("max"),
    "minimum": two("min"),
    "mul.Tensor": two("mul"),
    "ne.Scalar": _OTHER,
    "ne.Tensor": _OTHER,
    "neg": _one("negate"),
    "pow.Tensor_Scalar": _power,
    "reciprocal": lambda b, x: b.map(lambda p: apply("div", 1.0, p), x),
    "relu": lambda b, x: b.map(lambda p: apply("max", p, 0.0), x),
    "rsqrt": lambda b, x: b.map(lambda p: apply("div", 1.0, apply("root", p)), x),
    "rsub.Scalar": lambda b, x, y: _sum("sub")(b, y, x),
    "sigmoid": _one("sigmoid"),
    "sqrt": _one("root"),
    "square": lambda b, x: b.map(lambda p: apply("mul", p, p), x, dtype=x.dtype),
    "sub.Tensor": _sum("sub"),
    "tanh": _one("tanh"),
    "_to_copy": _cast,
    "to.dtype": _cast,
    "where.self": _where,
    "where.ScalarOther": _where,
    "where.ScalarSelf": _where,
}
"""Each of these steps as loops."""

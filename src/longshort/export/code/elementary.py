"""Exponential, logarithm, tanh and sigmoid by the operations of `loops`, the same everywhere.

The polynomials are those of Cephes (Moshier, 1992), accurate to 2 units in the last place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longshort.export.code.loops import Expression, apply

_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.44269504088896341, 0.693359375, -2.12194440e-4
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
_LOG = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_TANH = (
    -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1,
)  # fmt: skip
_LEAST_NORMAL = 1.17549435e-38
_INFINITE = float("inf")

Let = Callable[[Expression], Expression]
"""Keeps a value in a variable, and returns the variable."""


def _polynomial(coefficients: Sequence[float], x: Expression) -> Expression:
    found: Expression | float = coefficients[0]
    for each in coefficients[1:]:
        found = apply("add", apply("mul", found, x), each)
    assert not isinstance(found, float)
    return found


def _exp(x: Expression, let: Let) -> Expression:
    """e^x = 2^n e^r with |r| <= ln(2) / 2; 2^n as two factors reaches 0 and infinity."""
    x = let(apply("min", apply("max", x, -104.0), 89.0))
    n = let(apply("floor", apply("add", apply("mul", x, _LOG2_E), 0.5)))
    r = apply("sub", x, apply("mul", n, _LN2_HIGH))
    r = let(apply("sub", r, apply("mul", n, _LN2_LOW)))
    curve = apply("mul", _polynomial(_EXP, r), apply("mul", r, r))
    power = apply("add", apply("add", curve, r), 1.0)
    half = let(apply("floor", apply("mul", n, 0.5)))
    power = apply("mul", power, apply("power_of_two", half))
    return apply("mul", power, apply("power_of_two", apply("sub", n, half)))


def _log(x: Expression, let: Let) -> Expression:
    """log(f 2^e) with f from sqrt(1/2) to sqrt(2)."""
    normal = let(apply("max", x, _LEAST_NORMAL))
    large = let(apply("less", 1.41421356, apply("fraction", normal)))
    e = let(apply("add", apply("exponent", normal), large))
    part = apply("fraction", normal)
    part = apply("select", large, apply("mul", part, 0.5), part)
    f = let(apply("sub", part, 1.0))
    z = let(apply("mul", f, f))
    y = apply("mul", apply("mul", _polynomial(_LOG, f), f), z)
    y = apply("add", y, apply("mul", e, _LN2_LOW))
    y = apply("sub", y, apply("mul", z, 0.5))
    found = apply("add", apply("add", f, y), apply("mul", e, _LN2_HIGH))
    found = apply("select", apply("equal", x, _INFINITE), x, found)
    found = apply("select", apply("less", x, _LEAST_NORMAL), -_INFINITE, found)
    return apply("select", apply("less", x, 0.0), float("nan"), found)


def _sigmoid(x: Expression, _: Let) -> Expression:
    return apply("div", 1.0, apply("add", apply("exp", apply("negate", x)), 1.0))


def _tanh(x: Expression, let: Let) -> Expression:
    size = let(apply("absolute", x))
    power = apply("exp", apply("mul", size, 2.0))
    far = let(apply("sub", 1.0, apply("div", 2.0, apply("add", power, 1.0))))
    far = apply("select", apply("less", x, 0.0), apply("negate", far), far)
    z = let(apply("mul", x, x))
    near = apply("add", apply("mul", apply("mul", _polynomial(_TANH, z), z), x), x)
    return apply("select", apply("less", size, 0.625), near, far)


FUNCTIONS: dict[str, Callable[[Expression, Let], Expression]] = {
    "exp": _exp,
    "log": _log,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
}
"""Each function of one number by the operations, and by functions before it."""

NEEDS = {"exp": (), "log": (), "sigmoid": ("exp",), "tanh": ("exp",)}
"""The functions that each one calls."""

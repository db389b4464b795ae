"""The operations that a cell's equations may use, each with its derivative.

A derivative is written with the same operations, so it can be printed and run like the equations.
It returns one gradient per input (None: no gradient flows).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from longshort.engine.graph import Value
from longshort.errors import ConfigError

Gradients = tuple[Value | None, ...]

EPSILON = 1e-5
"""Term added to the variance in layer norm, as in torch; all executors use it."""


def _values(op: str, *given: Value | float) -> tuple[Value, ...]:
    """Return the operands of an operation as values of one tape."""
    for one in given:
        if isinstance(one, Value):
            return tuple(one.lift(other) for other in given)
    kinds = ", ".join(type(one).__name__ for one in given) or "nothing"
    raise ConfigError(
        f"{op} takes values of the step, got {kinds}; compute plain numbers with Python's math"
    )


def _apply(op: str, *given: Value | float, width: int | None = None) -> Value:
    values = _values(op, *given)
    return values[0].tape.apply(op, *values, width=width)


def sigmoid(a: Value) -> Value:
    """1 / (1 + exp(-a))."""
    return _apply("sigmoid", a)


def tanh(a: Value) -> Value:
    """Hyperbolic tangent."""
    return _apply("tanh", a)


def relu(a: Value) -> Value:
    """max(a, 0); the derivative at 0 is 0."""
    return _apply("relu", a)


def identity(a: Value) -> Value:
    """The value itself."""
    return a


def hard_sigmoid(a: Value) -> Value:
    """min(max(a/6 + 1/2, 0), 1), as in torch and Keras 3."""
    return clip(a * (1 / 6) + 0.5, 0.0, 1.0)


def exp(a: Value) -> Value:
    """e to the power a."""
    return _apply("exp", a)


def log(a: Value) -> Value:
    """Natural logarithm."""
    return _apply("log", a)


def softplus(a: Value) -> Value:
    """log(1 + exp(a)), accurate for large a of both signs."""
    return _apply("softplus", a)


def log_sigmoid(a: Value) -> Value:
    """log(sigmoid(a)) = -softplus(-a)."""
    return -softplus(-a)


def sqrt(a: Value) -> Value:
    """Square root."""
    return _apply("sqrt", a)


def absolute(a: Value) -> Value:
    """Absolute value."""
    return maximum(a, -a)


def floor(a: Value) -> Value:
    """Largest integer not above a; its derivative is 0."""
    return _apply("floor", a)


def mod(a: Value, b: Value | float) -> Value:
    """a - b floor(a / b): in [0, b) for positive b."""
    return a - floor(a / b) * b


def maximum(a: Value | float, b: Value | float) -> Value:
    """The larger one; where equal, the gradient goes to a."""
    return _apply("maximum", a, b)


def minimum(a: Value | float, b: Value | float) -> Value:
    """The smaller one; where equal, the gradient goes to a."""
    return _apply("minimum", a, b)


def clip(a: Value, low: Value | float, high: Value | float) -> Value:
    """a, limited to the range from low to high."""
    return minimum(maximum(a, low), high)


def bounded(a: Value, bound: float | None) -> Value:
    """a, limited to ±bound; unlimited if bound is None."""
    return a if bound is None else clip(a, -bound, bound)


def greater_equal(a: Value | float, b: Value | float) -> Value:
    """1 where a >= b, else 0; no gradient flows."""
    return _apply("greater_equal", a, b)


def where(condition: Value, a: Value | float, b: Value | float) -> Value:
    """a where condition is not 0, else b; no gradient flows to the condition."""
    return _apply("where", condition, a, b)


def straight_through(value: Value, surrogate: Value) -> Value:
    """`value` forward; backward, the gradient goes to `surrogate` (Bengio et al., 2013)."""
    return _apply("straight_through", value, surrogate)


def total(a: Value) -> Value:
    """Sum over the columns, width 1."""
    (a,) = _values("total", a)
    return a if a.width == 1 else _apply("sum", a, width=1)


def cumsum(a: Value) -> Value:
    """Running sum over the columns."""
    return _apply("cumsum", a)


def softmax(a: Value) -> Value:
    """exp(a) / sum(exp(a)) over the columns."""
    top = _apply("max", a, width=1)
    powers = exp(a - top)
    return powers / total(powers)


def cumsoftmax(a: Value) -> Value:
    """Running sum of the softmax: rises from 0 to 1 over the columns (Shen et al., 2019)."""
    return cumsum(softmax(a))


def standardise(a: Value) -> Value:
    """(a - mean) / sqrt(variance + EPSILON) over the columns: layer norm without gain and bias."""
    return _apply("standardise", a)


def concat(*values: Value) -> Value:
    """Columns side by side."""
    if len(values) == 1:
        return values[0]
    width = sum(value.width for value in _values("concat", *values))
    return _apply("concat", *values, width=width)


@dataclass(frozen=True, slots=True)
class Passed:
    """Values that a derivative may use: the incoming gradient d, the output y, and the inputs."""

    d: Value
    y: Value
    inputs: tuple[Value, ...]

    @property
    def a(self) -> Value:
        """First input."""
        return self.inputs[0]

    @property
    def b(self) -> Value:
        """Second input."""
        return self.inputs[1]

    def derived(self, op: str, *values: Value) -> Gradients:
        """Return the single gradient, which is an operation of its own."""
        return (self.d.tape.apply(op, *values),)

    def split(self, first: Value) -> Gradients:
        """Return the gradient for the first input where `first` is 1, else for the second."""
        return where(first, self.d, 0.0), where(first, 0.0, self.d)

    def pieces(self) -> Gradients:
        """Return the gradient's columns of each input."""
        places, start = [], 0
        for value in self.inputs:
            places.append(self.d[start : start + value.width])
            start += value.width
        return tuple(places)


def _standardise_gradient(r: Passed) -> Gradients:
    scale = r.a.tape.apply("inverse_deviation", r.a, width=1)
    return r.derived("standardise_gradient", r.d, r.y, scale)


@dataclass(frozen=True, slots=True)
class Op:
    """An operation: the number of inputs (None: any number) and the derivative."""

    arity: int | None
    gradient: Callable[[Passed], Gradients]


OPS: dict[str, Op] = {
    "add": Op(2, lambda r: (r.d, r.d)),
    "sub": Op(2, lambda r: (r.d, -r.d)),
    "mul": Op(2, lambda r: (r.d * r.b, r.d * r.a)),
    "div": Op(2, lambda r: (r.d / r.b, -(r.d * r.y / r.b))),
    "neg": Op(1, lambda r: (-r.d,)),
    "sigmoid": Op(1, lambda r: r.derived("sigmoid_gradient", r.d, r.y)),
    "tanh": Op(1, lambda r: r.derived("tanh_gradient", r.d, r.y)),
    "relu": Op(1, lambda r: (where(r.y, r.d, 0.0),)),
    "exp": Op(1, lambda r: (r.d * r.y,)),
    "log": Op(1, lambda r: (r.d / r.a,)),
    "softplus": Op(1, lambda r: (r.d * sigmoid(r.a),)),
    "sqrt": Op(1, lambda r: (r.d * 0.5 / r.y,)),
    "floor": Op(1, lambda _: (None,)),
    "maximum": Op(2, lambda r: r.split(greater_equal(r.a, r.b))),
    "minimum": Op(2, lambda r: r.split(greater_equal(r.b, r.a))),
    "greater_equal": Op(2, lambda _: (None, None)),
    "where": Op(3, lambda r: (None, *r.split(r.a))),
    "straight_through": Op(2, lambda r: (None, r.d)),
    "sum": Op(1, lambda r: (r.d,)),
    "max": Op(1, lambda _: (None,)),
    "cumsum": Op(1, lambda r: r.derived("cumsum_reversed", r.d)),
    "standardise": Op(1, _standardise_gradient),
    "concat": Op(None, lambda r: r.pieces()),
}
"""Operations of the equations, by name; products with a matrix and slices are in `derive`.

Derived equations have five more: "sigmoid_gradient" d y (1 - y), "tanh_gradient" d (1 - y²),
"inverse_deviation" s = 1 / sqrt(variance + EPSILON), "standardise_gradient" (d - mean(d) - y mean(d
y)) s, and "cumsum_reversed", the running sum from the end.

"max" passes no gradient: it only stabilises the softmax, whose result does not depend on it.
"""

ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "hard_sigmoid": hard_sigmoid,
    "identity": identity,
}


def activation(name: str) -> Callable[[Value], Value]:
    """Return the activation of that name; raises `ConfigError` for an unknown one."""
    if name not in ACTIVATIONS:
        raise ConfigError(f"activation {name!r} is not known; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]

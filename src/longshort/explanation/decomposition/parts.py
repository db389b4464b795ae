"""Values in three parts, and how each operation of a cell's equations parts its result.

A value is phrase + rest + bias: what comes from the steps of a phrase, from all other steps, and
from constants. Of an activation f the phrase gets the mean of what it adds to the bias alone and
of what it adds to rest and bias (a Shapley value of two players); of a product it gets all terms
that contain no rest. So phrase + rest + bias is the value, whatever the equations are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from longshort.engine.executors.torch import FUNCTIONS
from longshort.errors import ConfigError

Function = Callable[[Tensor], Tensor]
ACTIVATIONS = ("sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt")
_FIXED = ("floor", "greater_equal", "max")


@dataclass(frozen=True)
class Parts:
    """Phrase, rest and bias of a value, [P, W] each or broadcast to it, for P phrases."""

    phrase: Tensor
    rest: Tensor
    bias: Tensor

    @property
    def whole(self) -> Tensor:
        """The value itself."""
        return self.phrase + self.rest + self.bias

    def map(self, function: Function) -> Parts:
        """Return the parts of a linear function of the value."""
        return Parts(function(self.phrase), function(self.rest), function(self.bias))

    def merged(self, inside: Tensor) -> Parts:
        """Return the parts with the bias given to the phrase, or outside of it to the rest.

        inside [P, 1]: 1 for the phrases that contain the present step, else 0.
        """
        none = torch.zeros_like(self.bias)
        return Parts(self.phrase + inside * self.bias, self.rest + (1 - inside) * self.bias, none)


def constant(value: Tensor) -> Parts:
    """Return the parts of a constant."""
    none = torch.zeros_like(value)
    return Parts(none, none, value)


def activated(function: Function, a: Parts) -> Parts:
    """Return the parts of f(a)."""
    phrase, rest, bias = a.phrase, a.rest, a.bias
    alone, both = function(bias), function(phrase + rest + bias)
    with_phrase, with_rest = function(phrase + bias), function(rest + bias)
    return Parts(
        0.5 * (with_phrase - alone + both - with_rest),
        0.5 * (with_rest - alone + both - with_phrase),
        alone,
    )


def product(a: Parts, b: Parts) -> Parts:
    """Return the parts of a · b; terms with rest belong to the rest."""
    phrase = a.phrase * (b.phrase + b.bias) + a.bias * b.phrase
    bias = a.bias * b.bias
    return Parts(phrase, a.whole * b.whole - phrase - bias, bias)


def applied(op: str, values: list[Parts]) -> Parts:
    """Return the parts of the result of an operation; raises `ConfigError` for one without rule."""
    if op in ACTIVATIONS:
        return activated(FUNCTIONS[op], values[0])
    match op, values:
        case ("add", [a, b]):
            return Parts(a.phrase + b.phrase, a.rest + b.rest, a.bias + b.bias)
        case ("sub", [a, b]):
            return Parts(a.phrase - b.phrase, a.rest - b.rest, a.bias - b.bias)
        case ("neg", [a]):
            return a.map(torch.neg)
        case ("mul", [a, b]):
            return product(a, b)
        case ("div", [a, b]):
            divisor = b.whole
            return a.map(lambda part: part / divisor)
        case (("maximum" | "minimum"), [a, b]):
            return _extreme(op, a, b)
        case ("where", [condition, a, b]):
            taken = condition.whole
            return _chosen(taken != 0, a, b)
        case ("straight_through", [value, _]):
            return constant(value.whole)
        case (("sum" | "cumsum"), [a]):
            return a.map(FUNCTIONS[op])
        case ("standardise", [a]):
            return _standardised(a)
    if op in _FIXED:
        return constant(FUNCTIONS[op](*(each.whole for each in values)))
    raise ConfigError(f"cd: the operation {op!r} of the cell's equations has no rule; use ig")


def joined(values: list[Parts]) -> Parts:
    """Return the parts of values side by side."""
    rows = max(len(part) for each in values for part in (each.phrase, each.rest, each.bias))

    def together(parts: list[Tensor]) -> Tensor:
        return torch.cat([part.expand(rows, part.size(-1)) for part in parts], -1)

    return Parts(
        together([each.phrase for each in values]),
        together([each.rest for each in values]),
        together([each.bias for each in values]),
    )


def _is_constant(a: Parts) -> bool:
    return not bool(a.phrase.any()) and not bool(a.rest.any())


def _extreme(op: str, a: Parts, b: Parts) -> Parts:
    """Return a limit as an activation where one side is constant, else the side that is taken."""
    function = FUNCTIONS[op]
    if _is_constant(b):
        return activated(lambda v: function(v, b.bias), a)
    if _is_constant(a):
        return activated(lambda v: function(a.bias, v), b)
    return _chosen(function(a.whole, b.whole) == a.whole, a, b)


def _chosen(first: Tensor, a: Parts, b: Parts) -> Parts:
    return Parts(
        torch.where(first, a.phrase, b.phrase),
        torch.where(first, a.rest, b.rest),
        torch.where(first, a.bias, b.bias),
    )


def _standardised(a: Parts) -> Parts:
    """Return a layer norm whose deviation belongs to no part."""
    whole = a.whole
    centred = whole - whole.mean(-1, keepdim=True)
    result = FUNCTIONS["standardise"](whole)
    scale = torch.where(centred == 0, 0.0, result / torch.where(centred == 0, 1.0, centred))
    return a.map(lambda part: (part - part.mean(-1, keepdim=True)) * scale)

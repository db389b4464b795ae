"""What a cell declares: its weight matrices and vectors, their sizes and how they start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes that a layer gives its cell: I and H."""

    input: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Start:
    """Initial values of a vector: a constant, or drawn between two bounds."""

    low: float
    high: float | None = None
    kind: str = "constant"
    """"constant", "uniform", "log_uniform" (exp of uniform between the bounds' logarithms),
    "linspace", or "logit" (the inverse sigmoid of uniform)."""


@dataclass(frozen=True, slots=True)
class Map:
    """A linear map v → W v + b: `weight_NAME` [outputs, inputs] and `bias_NAME` [outputs]."""

    inputs: int
    outputs: int
    bias: bool = True
    gates: tuple[str, ...] = ()
    """Names of equal parts of the output; each starts by itself and is an attribute of z."""
    recurrent: bool = False
    """Starts orthogonal, where other maps start Xavier."""
    redundant_bias: bool = False
    """The bias only adds to another one: there for torch's names, not counted."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A parameter vector [size], under its own name."""

    size: int
    start: Start = Start(0.0)

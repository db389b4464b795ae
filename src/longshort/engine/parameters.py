"""Declarations of a cell: its weight matrices and vectors, their sizes and initial values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Input size I and hidden size H of a layer."""

    input: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Start:
    """Initial values of a vector: a constant, or values between two bounds."""

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
    """Names of equal blocks of the output; each is an attribute of z, initialised by itself."""
    recurrent: bool = False
    """Whether it is initialised orthogonally; other maps are initialised by Xavier's method."""
    redundant_bias: bool = False
    """Whether the bias only adds to another one: for torch's names, and not counted."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A parameter vector [size], stored under its own name."""

    size: int
    start: Start = Start(0.0)

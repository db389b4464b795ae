"""Measurements of experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Curve:
    """One line of a plot."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """Lines over one axis; marked: a place on the horizontal axis, with its name."""

    x_label: str
    y_label: str
    curves: Sequence[Curve]
    is_log_x: bool = False
    is_log_y: bool = False
    marks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """A measurement: numbers by name, a sentence that says them, and a plot.

    where: the place that it is about, such as the name of a layer.
    """

    said: str
    numbers: Mapping[str, float]
    plot: Plot | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    """Place of a number, by its name, where one place of several stands out."""

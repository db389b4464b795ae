"""Logarithmic axes whose ticks are plain numbers: the text of figures has no mathematics."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

_NARROW = 30.0
"""An axis that spans less than this factor may have no power of ten, so 2 and 5 are named too."""


def log_scale(axes: Axes, which: Literal["x", "y"]) -> None:
    """Scale one axis by logarithms."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis

    def between(value: float, _place: int | None) -> str:
        low, high = sorted(axis.get_view_interval())
        is_named = f"{value:e}"[0] in "25" and high < _NARROW * low
        return f"{value:g}" if is_named else ""

    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(between))

"""Figures of lines with what stands there and what was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from longshort.data.strokes.ink import Ink
from longshort.report.svg import STYLE, Drawing

_MOST = 90
"""Signs of a text that are shown."""
_HEIGHT = 0.95
"""Inches of a line with its texts."""


def lines_read(inks: Sequence[Any], true: Sequence[str], found: Sequence[str]) -> Figure:
    """Return a figure of lines, each with its text above and what was read below."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(8.0, _HEIGHT * max(1, len(inks))), layout="constrained")
        rows = figure.subplots(max(1, len(inks)), 1, squeeze=False).ravel()
        for axis, ink, wanted, read in zip(rows, inks, true, found, strict=False):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.grid(visible=False)
            _draw(axis, ink)
            axis.set_title(_short(wanted), fontsize=8, loc="left", pad=2, color="#555555")
            colour = "#1d6f42" if wanted == read else "#b3261e"
            axis.set_xlabel(_short(read) or "(nothing)", fontsize=8, loc="left", color=colour)
    return figure


def _draw(axis: Axes, ink: Any) -> None:
    if not isinstance(ink, Ink):
        axis.imshow(255 - ink, cmap="gray", vmin=0, vmax=255, aspect="equal")
        axis.set_anchor("W")
        return
    for stroke in ink.strokes:
        axis.plot(*stroke.T, color="#1f3b5c", linewidth=1.0)
    axis.invert_yaxis()
    axis.set_aspect("equal")
    axis.set_anchor("W")


def _short(text: str) -> str:
    return text if len(text) <= _MOST else text[:_MOST] + " …"

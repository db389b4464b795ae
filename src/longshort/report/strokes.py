"""Pen strokes as figures of the report."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from longshort.data.strokes.ink import Ink
from longshort.report.plots import MODEL_COLOUR, TRUTH_COLOUR
from longshort.report.svg import STYLE, Drawing

Row = tuple[str, Sequence[Ink], Sequence[str]]
"""Name of a row, its drawings, and the title of each; none where there are none."""


def drawings(rows: Sequence[Row]) -> Figure:
    """Plot rows of drawings, the first one in the colour of what is real."""
    with mpl.rc_context(STYLE):
        columns = max(len(inks) for _, inks, _ in rows)
        figure = Drawing(figsize=(10.5, 1.5 * len(rows) + 0.2), layout="constrained")
        axes = np.atleast_2d(figure.subplots(len(rows), columns, squeeze=False))
        for number, (line, (name, inks, titles)) in enumerate(zip(axes, rows, strict=True)):
            colour = MODEL_COLOUR if number else TRUTH_COLOUR
            for place, axis in enumerate(line):
                axis.set_axis_off()
                if place >= len(inks):
                    continue
                for stroke in inks[place].strokes:
                    mark = "." if len(stroke) == 1 else ""
                    axis.plot(*stroke.T, color=colour, linewidth=1.1, marker=mark)
                axis.set_aspect("equal", adjustable="datalim")
                axis.invert_yaxis()
                axis.margins(0.15)
                if place < len(titles):
                    axis.set_title(titles[place], fontsize=8)
            line[0].text(
                -0.05, 0.5, name, transform=line[0].transAxes, ha="right", va="center", fontsize=9
            )
        return figure

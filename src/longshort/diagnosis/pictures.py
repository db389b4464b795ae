"""Measurements as figures."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from longshort.diagnosis.measured import Plot
from longshort.report.plots import BASELINE_COLOURS, MODEL_COLOUR
from longshort.report.svg import STYLE, Drawing

_COLOURS = (MODEL_COLOUR, *BASELINE_COLOURS)


def figure_of(plot: Plot) -> Figure:
    """Draw the lines of a measurement, with dotted verticals at its marks."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(7.6, 3.0), layout="constrained")
        axis = figure.subplots()
        for number, curve in enumerate(plot.curves):
            colour = _COLOURS[number % len(_COLOURS)]
            style = "-" if number < len(_COLOURS) else "--"
            axis.plot(curve.x, curve.y, color=colour, label=curve.name, linestyle=style)
        for number, (name, place) in enumerate(plot.marks.items()):
            colour = _COLOURS[(number + 1) % len(_COLOURS)]
            axis.axvline(place, color=colour, linestyle=":", label=f"{name} {place:.2g}")
        if plot.is_log_x:
            axis.set_xscale("log")
            _plain_ticks(axis.xaxis)
        else:
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if plot.is_log_y:
            axis.set_yscale("log")
            _plain_ticks(axis.yaxis)
        axis.set_xlabel(plot.x_label)
        axis.set_ylabel(plot.y_label)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure


def _plain_ticks(axis: Axis) -> None:
    """Write powers of ten as numbers: the report's text has no mathematics."""
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())

"""Measurements as figures."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from longshort.diagnosis.measured import Plot
from longshort.report.plots import BASELINE_COLOURS, MODEL_COLOUR
from longshort.report.scales import log_scale
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
            log_scale(axis, "x")
        else:
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if plot.is_log_y:
            log_scale(axis, "y")
        axis.set_xlabel(plot.x_label)
        axis.set_ylabel(plot.y_label)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure

"""Pictures of verification: misses against false alarms, and similarities."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from longshort.report.plots import BASELINE_COLOURS, MODEL_COLOUR, TRUTH_COLOUR
from longshort.report.svg import STYLE, Drawing

Floats = NDArray[np.float64]
_SHARES = (0.001, 0.01, 0.05, 0.2, 0.5)
_LEAST, _MOST = 5e-4, 0.6
_POINTS, _BINS = 300, 40


def det(curves: Mapping[str, tuple[Floats, Floats]]) -> Figure:
    """Plot misses against false alarms, (false alarms, misses) by name, the model's first.

    Both axes are quantiles of the normal distribution, on which normal scores make straight lines
    (Martin et al., 1997).
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(4.6, 4.2), layout="constrained")
        axis = figure.subplots()
        for number, (name, (alarms, misses)) in enumerate(curves.items()):
            chosen = np.unique(np.linspace(0, len(alarms) - 1, _POINTS).astype(int))
            colour = BASELINE_COLOURS[(number - 1) % len(BASELINE_COLOURS)]
            axis.plot(
                _quantiles(alarms[chosen]), _quantiles(misses[chosen]), label=name,
                color=MODEL_COLOUR if number == 0 else colour, linewidth=1.0 if number else 1.8,
            )  # fmt: skip
        ends = _quantiles(np.array([_LEAST, _MOST]))
        axis.plot(ends, ends, color="#bbbbbb", linewidth=0.8, linestyle=":")
        places = _quantiles(np.array(_SHARES))
        names = [f"{share:.1%}" if share < 0.01 else f"{share:.0%}" for share in _SHARES]
        axis.set_xticks(places, labels=names)
        axis.set_yticks(places, labels=names)
        axis.set(xlim=ends, ylim=ends, xlabel="false alarms", ylabel="misses")
        axis.legend()
        return figure


def _quantiles(shares: Floats) -> Floats:
    normal = NormalDist()
    return np.array([normal.inv_cdf(float(each)) for each in np.clip(shares, _LEAST, _MOST)])


def similarities(similarity: Floats, is_target: NDArray[np.bool_], threshold: float) -> Figure:
    """Plot how similar pairs of one individual and of two are, with a threshold."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(4.6, 2.6), layout="constrained")
        axis: Axes = figure.subplots()
        edges = np.linspace(float(similarity.min()), float(similarity.max()), _BINS).tolist()
        for chosen, name, colour in (
            (is_target, "one speaker", MODEL_COLOUR), (~is_target, "two speakers", "#c2571a"),
        ):  # fmt: skip
            axis.hist(similarity[chosen], edges, density=True, alpha=0.6, color=colour, label=name)
        axis.axvline(threshold, color=TRUTH_COLOUR, linewidth=1.0, label="threshold")
        axis.set(xlabel="similarity", ylabel="density of pairs")
        axis.legend()
        return figure

"""The picture of a comparison: a dot for each pair, lines that link pairs, and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from longshort.report.plots import BASELINE_COLOURS, MODEL_COLOUR
from longshort.report.svg import STYLE, Drawing
from longshort.tuning.pairs import PairedTest


def paired_scores(
    scores: Mapping[str, Sequence[float]], tests: Sequence[PairedTest], title: str, sign: float
) -> Figure:
    """Plot the scores of each pair, and the differences between alternatives.

    scores: those of the pairs, by name. title: of the metric. sign: 1 where higher is better, else
    -1: differences above 0 are in favour of the first one.
    """
    with mpl.rc_context(STYLE):
        height = max(3.0, 0.55 * len(tests) + 1.2)
        figure = Drawing(figsize=(10.5, height), layout="constrained")
        left, right = figure.subplots(1, 2)
        _dots(left, scores, title)
        _differences(right, scores, tests, sign)
        return figure


def _dots(axis: Axes, scores: Mapping[str, Sequence[float]], title: str) -> None:
    values = np.array(list(scores.values()), dtype=float)
    places = np.arange(len(scores))
    axis.plot(places, values, color="#bbbbbb", linewidth=0.8, zorder=1)
    for place, row in enumerate(values):
        axis.scatter(np.full(len(row), place), row, s=22, color=MODEL_COLOUR, alpha=0.65, zorder=3)
        axis.hlines(row.mean(), place - 0.16, place + 0.16, color="#1c1c1c", linewidth=2, zorder=4)
    axis.set_xticks(places, labels=list(scores))
    axis.set_xlim(-0.5, len(scores) - 0.5)
    axis.set_ylabel(f"test {title}")
    axis.set_title("each pair; bars are means", fontsize=9, loc="left")


def _differences(
    axis: Axes, scores: Mapping[str, Sequence[float]], tests: Sequence[PairedTest], sign: float
) -> None:
    for place, test in enumerate(tests):
        gains = sign * (np.array(scores[test.first]) - np.array(scores[test.second]))
        colour = "#999999" if test.better is None else BASELINE_COLOURS[1]
        axis.hlines(place, test.low, test.high, color=colour, linewidth=5, alpha=0.45)
        axis.scatter(gains, np.full(len(gains), place), s=14, color=colour, zorder=3)
        axis.plot([test.gain], [place], marker="|", markersize=16, color="#1c1c1c", zorder=4)
    axis.axvline(0.0, color="#1c1c1c", linewidth=0.8)
    names = [f"{test.first} - {test.second}" for test in tests]
    axis.set_yticks(range(len(tests)), labels=names)
    axis.set_ylim(len(tests) - 0.5, -0.5)
    axis.set_title(
        "advantage of the first one, mean and 95 % interval; green: significant",
        fontsize=9,
        loc="left",
    )

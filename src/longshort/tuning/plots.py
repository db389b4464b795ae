"""Pictures of a study: its ladder, its learning curves, and its search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from longshort.report.plots import BASELINE_COLOURS, MODEL_COLOUR
from longshort.report.scales import log_scale
from longshort.report.svg import STYLE, Drawing
from longshort.tuning.curve import Curve

_OTHERS = "#9a9a9a"
_LOG_FROM = 10.0
_COLUMNS = 3


def ladder(rows: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> Figure:
    """Plot the loss of each level, with the band of one standard error above the best.

    rows: the best candidate of each level. Levels that did not come to the last rung are hollow.
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(7.6, 3.2), layout="constrained")
        axis = figure.subplots()
        last = max(row["rung"] for row in rows)
        ended = [row for row in rows if row["rung"] == last]
        best = min(row["validation"] for row in ended)
        error = found["standard_error"]
        axis.axhspan(best, best + error, color=MODEL_COLOUR, alpha=0.16, lw=0, label="best + 1 SE")
        for row in rows:
            is_whole = row["rung"] == last
            face = MODEL_COLOUR if is_whole else "none"
            for loss in row["losses"]:
                axis.plot(row["level"], loss, ".", color=_OTHERS, markersize=4)
            axis.plot(row["level"], row["validation"], "o", color=MODEL_COLOUR, mfc=face)
        axis.axvline(found["level"], color=BASELINE_COLOURS[0], lw=1, ls="--", label="the answer")
        _levels(axis, [row["level"] for row in rows])
        axis.set_xlabel(str(found["axis"]))
        axis.set_ylabel("validation loss")
        axis.plot([], [], "o", color=MODEL_COLOUR, label="mean, trained in full")
        axis.plot([], [], "o", color=MODEL_COLOUR, mfc="none", label="mean, stopped early")
        axis.plot([], [], ".", color=_OTHERS, label="each seed")
        figure.legend(loc="outside upper center", ncols=5)
        return figure


def _levels(axis: Axes, levels: Sequence[float]) -> None:
    axis.set_xscale("log", base=2)
    axis.set_xticks(sorted(levels), labels=[f"{each:g}" for each in sorted(levels)])
    axis.xaxis.set_minor_locator(NullLocator())


def learning_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], winner: str) -> Figure:
    """Plot the validation score of every trial over its epochs; the winner stands out."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(7.6, 3.0), layout="constrained")
        axis = figure.subplots()
        scores: list[float] = []
        for name, history in histories.items():
            points = [
                (r["epoch"], r["val_score"]) for r in history if r["epoch"] and "val_score" in r
            ]
            scores += [score for _, score in points]
            colour, width = (MODEL_COLOUR, 2.0) if name == winner else (_OTHERS, 0.8)
            front = 3 if name == winner else 1
            mark = "." if len(points) == 1 else ""
            places = np.array(points).reshape(-1, 2).T
            axis.plot(*places, marker=mark, color=colour, lw=width, zorder=front)
        if scores and min(scores) > 0 and max(scores) > _LOG_FROM * min(scores):
            log_scale(axis, "y")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("epoch")
        axis.set_ylabel("validation score")
        axis.plot([], [], color=MODEL_COLOUR, lw=2.0, label=f"trial {winner}, the winner")
        axis.plot([], [], color=_OTHERS, lw=0.8, label="other trials")
        figure.legend(loc="outside upper center", ncols=2)
        return figure


def searched(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> Figure:
    """Plot the validation loss of every candidate against each setting that was searched."""
    with mpl.rc_context(STYLE):
        columns = min(_COLUMNS, len(keys))
        lines = -(-len(keys) // columns)
        figure = Drawing(figsize=(3.4 * columns, 2.6 * lines), layout="constrained")
        axes = np.atleast_1d(figure.subplots(lines, columns, sharey=True)).reshape(-1)
        for axis in axes[len(keys) :]:
            axis.set_visible(False)
        known = [row for row in rows if row["validation"] is not None]
        last = max(row["rung"] for row in known)
        for axis, key in zip(axes, keys, strict=False):
            values = [row["settings"][key] for row in known]
            is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
            shown = values if is_number else [str(value) for value in values]
            for row, value in zip(known, shown, strict=True):
                face = MODEL_COLOUR if row["rung"] == last else "none"
                axis.plot(value, row["validation"], "o", ms=5, color=MODEL_COLOUR, mfc=face)
            if is_number and min(values) > 0 and max(values) >= _LOG_FROM * min(values):
                log_scale(axis, "x")
            axis.set_xlabel(key)
        axes[0].set_ylabel("validation loss")
        return figure


def reach(found: Mapping[str, Any]) -> Figure:
    """Plot how the last state depends on earlier inputs: by gradient, and by hiding them."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(7.6, 2.8), layout="constrained")
        axis = figure.subplots()
        lags = np.array(found["lags"]) * found["steps_each"]
        axis.plot(lags, found["gradient"], ".-", color=MODEL_COLOUR, label="gradient")
        axis.plot(lags, found["occlusion"], ".-", color=BASELINE_COLOURS[0], label="hidden input")
        axis.set_ylim(bottom=0.0)
        axis.set_xlabel("steps before the last one")
        axis.set_ylabel("share")
        figure.legend(loc="outside upper center", ncols=2)
        return figure


def data_curve(found: Mapping[str, Any]) -> Figure:
    """Plot a score against the share of the training data, and where its curve leads."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(7.6, 3.2), layout="constrained")
        axis = figure.subplots()
        shares = [each["share"] for each in found["points"]]
        for each in found["points"]:
            axis.plot([each["share"]] * len(each["values"]), each["values"], ".", color=_OTHERS)
            axis.plot(each["share"], np.mean(each["values"]), "o", color=MODEL_COLOUR)
        fitted = found["curve"]
        curve = Curve(fitted["limit"], fitted["scale"], fitted["power"])
        twice = found["twice"]
        for ends, style in (
            ((min(shares), max(shares)), "-"),
            ((max(shares), twice["amount"]), ":"),
        ):
            line = np.geomspace(*ends, 50)
            axis.plot(line, [curve.at(each) for each in line], style, color=MODEL_COLOUR)
        below, above = twice["score"] - twice["low"], twice["high"] - twice["score"]
        axis.errorbar(
            twice["amount"],
            twice["score"],
            [[below], [above]],
            fmt="s",
            color=BASELINE_COLOURS[0],
            capsize=4,
            label=f"twice the data, {twice['level']:.0%} interval",
        )
        _levels(axis, [*shares, twice["amount"]])
        axis.set_xlabel("share of the training split")
        axis.set_ylabel(f"{found['metric']} on the validation split")
        axis.plot([], [], ".", color=_OTHERS, label="each seed")
        figure.legend(loc="outside upper center", ncols=3)
        return figure

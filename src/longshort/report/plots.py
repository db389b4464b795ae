"""Plots of the report as figures, which pyplot does not know of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from longshort.report.dates import put_dates
from longshort.report.scales import log_scale
from longshort.report.svg import STYLE, Drawing

Floats = NDArray[np.float64]

MODEL_COLOUR, TRUTH_COLOUR, BAND_COLOUR = "#2457c5", "#1c1c1c", "#2457c5"
BASELINE_COLOURS = ("#c2571a", "#3f8f5b", "#8a5fb0", "#a08a24", "#7a7a7a")
_WIDE = 50.0
"""Highest over middle score from which their axis is logarithmic."""


@dataclass(frozen=True)
class Window:
    """A forecast from one origin with L past values and horizon H.

    stamps [L + H]; past [L]; model [H]: the forecast. truth, baseline, and the ends low and high of
    the interval named `band` are [H] or None.
    """

    title: str
    stamps: list[str]
    past: Floats
    model: Floats
    truth: Floats | None = None
    baseline: Floats | None = None
    baseline_name: str = ""
    low: Floats | None = None
    high: Floats | None = None
    band: str = ""


def forecast_windows(windows: Sequence[Window]) -> Figure:
    """Plot forecasts beside the truth where it is known."""
    with mpl.rc_context(STYLE):
        columns = 2 if len(windows) > 1 else 1
        rows = -(-len(windows) // columns)
        figure = Drawing(figsize=(10.5, 2.6 * rows + 0.3), layout="constrained")
        axes = np.atleast_1d(figure.subplots(rows, columns)).reshape(-1)
        for axis in axes[len(windows) :]:
            axis.set_visible(False)
        for axis, window in zip(axes, windows, strict=False):
            _window(axis, window)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        return figure


def _window(axis: Axes, window: Window) -> None:
    begin = 1 - len(window.past)
    draw_window(axis, window, np.arange(begin, len(window.model) + 1))
    axis.set_title(window.title, fontsize=9, loc="left")
    axis.margins(x=0.02)
    put_dates(
        axis, begin, len(window.model), lambda places: [window.stamps[n - begin] for n in places]
    )


def draw_window(axis: Axes, window: Window, places: NDArray[np.int64]) -> None:
    """Draw past, forecast and truth at these places [L + H] of an axis."""
    lags, model = len(window.past), window.model
    before, ahead = places[:lags], places[lags:]
    mark = "o" if len(model) < 3 else ""
    if window.truth is None:
        axis.plot(before, window.past, color=TRUTH_COLOUR, label="past")
    else:
        axis.plot(before, window.past, color=TRUTH_COLOUR, alpha=0.55)
        joined = np.concatenate([window.past[-1:], window.truth])
        axis.plot(places[lags - 1 :], joined, color=TRUTH_COLOUR, label="truth")
    if window.low is not None and window.high is not None:
        axis.fill_between(
            ahead,
            window.low,
            window.high,
            color=BAND_COLOUR,
            alpha=0.16,
            linewidth=0,
            label=window.band,
        )
    if window.baseline is not None:
        axis.plot(
            ahead,
            window.baseline,
            color=BASELINE_COLOURS[0],
            linestyle="--",
            label=window.baseline_name,
        )
    axis.plot(ahead, model, color=MODEL_COLOUR, label="model", marker=mark)
    axis.axvline(float(places[lags - 1]) + 0.5, color="#999999", linewidth=0.8)


def error_by_step(curves: dict[str, Sequence[float | None]], label: str) -> Figure:
    """Plot the error at each step of the horizon, for the model and its baselines."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 3.0), layout="constrained")
        axis = figure.subplots()
        colours = iter(BASELINE_COLOURS)
        for name, values in _shown_curves(curves).items():
            steps = np.arange(1, len(values) + 1)
            heights = np.array([np.nan if v is None else v for v in values])
            mark = "o" if len(values) < 3 else ""
            if name == "model":
                axis.plot(
                    steps,
                    heights,
                    color=MODEL_COLOUR,
                    label="model",
                    linewidth=2.2,
                    zorder=5,
                    marker=mark,
                )
            else:
                axis.plot(steps, heights, color=next(colours, "#7a7a7a"), label=name, marker=mark)
        axis.set_xlabel("step of the horizon")
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure


def _shown_curves(curves: dict[str, Sequence[float | None]]) -> dict[str, Sequence[float | None]]:
    """Return the curves of the model and of the best baselines, as many as there are colours."""

    def mean(name: str) -> float:
        known = [value for value in curves[name] if value is not None]
        return sum(known) / len(known) if known else float("inf")

    others = sorted((name for name in curves if name != "model"), key=mean)
    return {name: curves[name] for name in ["model", *others[: len(BASELINE_COLOURS)]]}


def training_curves(
    history: Sequence[dict[str, float | int]], best: int, measure: str, *, apart: bool = False
) -> Figure:
    """Plot training loss, validation score and learning rate by epoch.

    history: records of `metrics.jsonl`. best: the epoch whose weights were kept. measure: name of
    the validation score. apart: the score is not a loss like that of training, and has a plot of
    its own.
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 2.8), layout="constrained")
        axes = figure.subplots(1, 3 if apart else 2, width_ratios=(1, 1, 1) if apart else (2, 1))
        losses, scores, rates = axes[0], axes[-2], axes[-1]
        trained = [record for record in history if record["epoch"]]
        _by_epoch(losses, trained, "train_loss", BASELINE_COLOURS[0], "training loss", marker=".")
        scored = [record for record in history if "val_score" in record]
        label = f"validation {measure}" if scored else "no validation split"
        _by_epoch(scores, scored, "val_score", MODEL_COLOUR, label, marker=".")
        for axis in axes[:-1]:
            axis.axvline(best, color="#999999", linestyle=":", label="kept weights")
            axis.legend()
        _by_epoch(rates, trained, "learning_rate", "#555555", "")
        rates.set_title("learning rate", fontsize=9, loc="left")
        return figure


def _by_epoch(
    axis: Axes,
    records: Sequence[dict[str, float | int]],
    key: str,
    colour: str,
    label: str,
    marker: str = "",
) -> None:
    epochs = [int(record["epoch"]) for record in records]
    values = [record[key] for record in records]
    axis.plot(epochs, values, color=colour, label=label, marker=marker)
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def residuals_over_time(
    index: Floats, residuals: Floats, stamps: Callable[[list[int]], list[str]]
) -> Figure:
    """Plot one-step residuals (truth - forecast) over time, and their distribution.

    index: positions on the time grid; stamps: returns the timestamps of positions.
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
        left.scatter(index, residuals, s=4, color=MODEL_COLOUR, alpha=0.5, linewidths=0)
        left.axhline(0.0, color="#999999", linewidth=0.8)
        put_dates(left, int(index.min()), int(index.max()), stamps)
        left.set_ylabel("truth - forecast, first step")
        right.hist(residuals, bins=40, orientation="horizontal", color=MODEL_COLOUR, alpha=0.6)
        right.set_xlabel("count")
        return figure


def confusion(
    table: NDArray[np.int64], labels: Sequence[str], totals: NDArray[np.int64] | None = None
) -> Figure:
    """Plot a confusion matrix [K, K] of counts, true labels in rows, as shares of each row.

    totals [K]: sums of the whole rows, where columns have been left out.
    """
    with mpl.rc_context(STYLE):
        size = min(9.0, 2.6 + 0.34 * len(labels))
        figure = Drawing(figsize=(size + 1.5, size), layout="constrained")
        axis = figure.subplots()
        whole = table.sum(1) if totals is None else totals
        shares = table / np.maximum(whole[:, None], 1)
        axis.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        axis.grid(visible=False)
        ticks = range(len(labels))
        shown = [label if len(label) <= 18 else label[:17] + "…" for label in labels]
        axis.set_xticks(ticks, labels=shown, rotation=90 if len(labels) > 4 else 0)
        axis.set_yticks(ticks, labels=shown)
        axis.set_xlabel("predicted")
        axis.set_ylabel("true")
        if len(labels) <= 12:
            for row in ticks:
                for column in ticks:
                    dark = shares[row, column] > 0.6
                    axis.text(
                        column,
                        row,
                        f"{table[row, column]:,}",
                        ha="center",
                        va="center",
                        color="white" if dark else "#1c1c1c",
                    )
        return figure


def reliability(bins: Sequence[dict[str, float]], confidence: Floats) -> Figure:
    """Plot accuracy against predicted probability, and the distribution of these probabilities."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color="#999999", linestyle=":")
        left.plot(
            [each["confidence"] for each in bins],
            [each["accuracy"] for each in bins],
            color=MODEL_COLOUR,
            marker="o",
        )
        left.set_xlabel("probability of the predicted label")
        left.set_ylabel("share that is right")
        right.hist(confidence, bins=30, range=(0.0, 1.0), color=MODEL_COLOUR, alpha=0.6)
        right.set_xlabel("probability of the predicted label")
        right.set_ylabel("test examples")
        return figure


def scatter(truth: Floats, predicted: Floats) -> Figure:
    """Plot predictions [n, K] against the truth [n, K], a colour for each of the K values."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(5.2, 4.6), layout="constrained")
        axis = figure.subplots()
        colours = (MODEL_COLOUR, *BASELINE_COLOURS)
        for k in range(truth.shape[1]):
            axis.scatter(truth[:, k], predicted[:, k], s=9, alpha=0.6, color=colours[k % 6])
        ends = [float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))]
        axis.plot(ends, ends, color=TRUTH_COLOUR, linewidth=0.8)
        axis.set(xlabel="truth", ylabel="prediction")
        return figure


@dataclass(frozen=True)
class Watched:
    """A series [T] with its scores and alarms.

    stamps [T]; expected [T] where something was forecast; score and threshold; flagged and labels
    [T], the latter where there are such; begin: the first step that was searched.
    """

    title: str
    stamps: list[str]
    values: Floats
    score: Floats
    threshold: float
    flagged: NDArray[np.bool_]
    begin: int
    expected: Floats | None = None
    labels: NDArray[np.bool_] | None = None


def watched_series(series: Sequence[Watched]) -> Figure:
    """Values above, scores with their threshold below; alarms and labels as bands."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 3.4 * len(series) + 0.3), layout="constrained")
        rows = figure.subplots(
            2 * len(series), 1, height_ratios=[2, 1] * len(series), squeeze=False
        )
        for place, each in enumerate(series):
            _watched(rows[2 * place, 0], rows[2 * place + 1, 0], each)
        handles, labels = rows[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        return figure


def _watched(above: Axes, below: Axes, each: Watched) -> None:
    steps = np.arange(len(each.values))
    above.plot(steps, each.values, color=TRUTH_COLOUR, alpha=0.75, linewidth=0.8, label="value")
    if each.expected is not None:
        above.plot(steps, each.expected, color=MODEL_COLOUR, linewidth=0.8, label="expected")
    below.plot(steps, each.score, color=MODEL_COLOUR, linewidth=0.9)
    if np.isfinite(each.threshold):
        below.axhline(each.threshold, color=BASELINE_COLOURS[0], linestyle="--", linewidth=1.0)
    for axis in (above, below):
        _bands(axis, each.flagged, BASELINE_COLOURS[0], "alarm")
        if each.labels is not None:
            _bands(axis, each.labels, BASELINE_COLOURS[1], "labelled")
        axis.axvline(each.begin - 0.5, color="#999999", linewidth=0.8)
        axis.margins(x=0.01)
    positive = each.score[np.isfinite(each.score) & (each.score > 0)]
    if positive.size and float(positive.max()) > _WIDE * float(np.median(positive)):
        log_scale(below, "y")
    above.set_title(each.title, fontsize=9, loc="left")
    above.tick_params(labelbottom=False)
    below.set_ylabel("score")
    put_dates(below, 0, len(steps) - 1, lambda places: [each.stamps[n] for n in places])


def _bands(axis: Axes, marked: NDArray[np.bool_], colour: str, label: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    for place, (start, stop) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        name = "_" if place else label
        axis.axvspan(start - 0.5, stop - 0.5, color=colour, alpha=0.18, linewidth=0, label=name)


def heat(values: NDArray[np.floating], rows: Sequence[str], columns: Sequence[str]) -> Figure:
    """Plot a matrix of shares, such as attention [T, S], with names at both sides."""
    with mpl.rc_context(STYLE):
        size = (1.6 + 0.24 * len(columns), 1.2 + 0.24 * len(rows))
        figure = Drawing(figsize=size, layout="constrained")
        axis = figure.subplots()
        axis.imshow(values, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto")
        axis.grid(visible=False)
        axis.set_xticks(range(len(columns)), labels=columns, rotation=90)
        axis.set_yticks(range(len(rows)), labels=rows)
        axis.xaxis.tick_top()
        return figure

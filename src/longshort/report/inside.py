"""Figures of the inside of recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from longshort.report.plots import MODEL_COLOUR
from longshort.report.scales import log_scale
from longshort.report.svg import STYLE, Drawing

Floats = NDArray[np.float64]
_TICKS = 6


def gate_strips(
    gates: Mapping[str, Floats],
    states: Mapping[str, Floats],
    order: Sequence[int],
    steps: Sequence[str],
) -> Figure:
    """Plot gates and states [T, W] as strips of unit × time, units in this order from the top.

    Gates are in grey, white for 0 and black for 1; states have their own scale each.
    """
    with mpl.rc_context(STYLE):
        count = len(gates) + len(states)
        figure = Drawing(figsize=(10.5, 0.5 + 1.0 * count), layout="constrained")
        axes = np.atleast_1d(figure.subplots(count, 1, sharex=True))
        for axis, (name, values) in zip(axes, gates.items(), strict=False):
            axis.imshow(_sorted(values, order), cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto")
            axis.set_ylabel(name)
        for axis, (name, values) in zip(axes[len(gates) :], states.items(), strict=True):
            most = float(np.abs(values).max(initial=0.0)) or 1.0
            picture = _sorted(values, order)
            axis.imshow(picture, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto")
            axis.set_ylabel(f"state {name}")
        for axis in axes:
            axis.grid(visible=False)
            axis.set_yticks([])
        places = np.unique(np.linspace(0, len(steps) - 1, _TICKS).round().astype(int))
        axes[-1].set_xticks(places, labels=[steps[n].replace(" ", "\n", 1) for n in places])
        return figure


def _sorted(values: Floats, order: Sequence[int]) -> Floats:
    whole = sorted(order) == list(range(values.shape[1]))
    return values[:, list(order)].T if whole else values.T


def memory(lives: Floats, left: Floats, steps: int) -> Figure:
    """Plot half-lives of units beside the window, and what is left of each step's state.

    lives [W] in steps; left [T, T]: from step (row) to later step (column); steps: of the window.
    """
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 3.2), layout="constrained")
        first, second = figure.subplots(1, 2, width_ratios=(3, 2))
        shown = np.clip(lives, 0.1, 100.0 * steps)
        edges = np.geomspace(0.1, 100.0 * steps, 31)
        first.hist(shown, bins=edges, color=MODEL_COLOUR, alpha=0.7)
        first.axvline(steps, color="#c2571a", linestyle="--", label=f"window, {steps} steps")
        log_scale(first, "x")
        first.set_xlabel("half-life, steps")
        first.set_ylabel("units")
        first.legend()
        image = second.imshow(
            np.where(left > 0, left, np.nan), cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto"
        )
        second.grid(visible=False)
        second.set_xlabel("at step")
        second.set_ylabel("left of step")
        figure.colorbar(image, ax=second, label="share, mean over units")
        return figure


def by_lag(
    mean: Floats, interval: Floats, features: Sequence[str], unit: str, first: int
) -> Figure:
    """Plot the mean absolute attribution [n, F] of steps, with its interval [2, n, F].

    The first row is the last step, whose lag is `first`.
    """
    with mpl.rc_context(STYLE):
        rows = len(features)
        figure = Drawing(figsize=(10.5, 0.8 + 1.2 * rows), layout="constrained")
        axes = np.atleast_1d(figure.subplots(rows, 1, sharex=True))
        lags = first + np.arange(len(mean))
        low, high = interval
        for k, (axis, name) in enumerate(zip(axes, features, strict=True)):
            axis.fill_between(lags, low[:, k], high[:, k], color=MODEL_COLOUR, alpha=0.2)
            axis.plot(lags, mean[:, k], color=MODEL_COLOUR)
            axis.set_title(name, fontsize=9, loc="left")
            axis.set_ylim(bottom=0)
        axes[-1].set_xlabel("lag, steps" if first else "steps before the last one")
        axes[0].set_ylabel(unit, fontsize=8)
        return figure


def beside(
    first: Floats,
    first_interval: Floats,
    second: Floats | None,
    second_interval: Floats | None,
    features: Sequence[str],
    unit: str,
) -> Figure:
    """Plot mean absolute attributions [F] by feature, and beside them permutation importance.

    Intervals are [2, F], the low and the high end.
    """
    with mpl.rc_context(STYLE):
        columns = 1 if second is None else 2
        figure = Drawing(figsize=(10.5, 0.9 + 0.3 * len(features)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, columns, sharey=True))
        pairs = [(first, first_interval, f"mean |attribution|, {unit}")]
        if second is not None and second_interval is not None:
            pairs.append((second, second_interval, "rise of the loss when mixed up"))
        places = np.arange(len(features))
        for axis, (values, interval, label) in zip(axes, pairs, strict=True):
            ends = np.abs(interval - values)
            axis.barh(places, values, xerr=ends, color=MODEL_COLOUR, alpha=0.7, ecolor="#555555")
            axis.set_xlabel(label)
            axis.axvline(0.0, color="#999999", linewidth=0.8)
        axes[0].set_yticks(places, labels=list(features))
        axes[0].invert_yaxis()
        return figure

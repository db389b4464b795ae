"""Inference: expected values and errors of every row, from networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.runs.task import Model
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Signals
from longshort.tasks.anomaly.errors import Errors, judged_forecasts
from longshort.tasks.anomaly.walker import Walker

Floats = NDArray[np.float64]
Watching = Model[AnomalyConfig, AnomalyEncoder]

_TOGETHER = 2_000_000
"""Number of steps that go through a network at once."""
_WINDOWS = 512
_OVERLAP = 10
"""Number of windows that cover each row."""


def errors_of(model: Watching, signals: Signals, cutoff: Floats | None = None) -> Errors:
    """Return expected values and errors of all rows.

    A row is judged by the rows before it, and if windows are rebuilt also by those around it.
    cutoff [G, K]: values whose cost lies above it are not shown to a network that forecasts.
    """
    settings = model.config.model
    expected = signals.linear[:, 0] * np.nan
    each: dict[str, Floats] = {}
    if settings.forecasts:
        name = "nll" if "nll" in settings.score else "error"
        if cutoff is None:
            expected, each[name] = judged_forecasts(signals, *_forecasts(model, signals))
        else:
            expected, each[name] = _walked(model, signals, cutoff)
    if settings.rebuilds:
        name = "aer" if "aer" in settings.score else "reconstruction"
        rebuilt, each[name] = _rebuilt(model, signals)
        expected = expected if settings.forecasts else rebuilt
    for values in each.values():
        values[~signals.known] = np.nan
    return Errors(expected, each)


def _forecasts(model: Watching, signals: Signals) -> tuple[Floats, Floats | None]:
    """Return forecasts [N, ahead, K] made at each row, and their log spread if there is one."""
    ahead, outputs = model.config.model.ahead, model.config.model.outputs
    channels = signals.known.shape[1]
    found = np.zeros((len(signals.inputs), ahead, channels, outputs))
    for groups in _bunches(signals.lengths):
        longest = int(signals.lengths[groups].max())
        x = np.zeros((longest, len(groups), signals.inputs.shape[1]), np.float32)
        for place, group in enumerate(groups):
            rows = signals.rows(group)
            x[: rows.stop - rows.start, place] = signals.inputs[rows]
        values, _ = model.call("forecasts", x, None)
        for place, group in enumerate(groups):
            rows = signals.rows(group)
            found[rows] = values[: rows.stop - rows.start, place]
    forecasts = found[..., 0] + signals.linear
    return forecasts, found[..., 1] if outputs == 2 else None


def _walked(model: Watching, signals: Signals, cutoff: Floats) -> tuple[Floats, Floats]:
    """Return the expected value and the cost of each row, [N, K].

    Series are read row by row, and no value above the cutoff is shown to the network.
    """
    expected = np.full(signals.known.shape, np.nan)
    each = np.full(signals.known.shape, np.nan)
    channels = signals.known.shape[1]
    rows = signals.inputs.astype(float)
    rows[:, :channels][~signals.known] = np.nan
    for group in range(signals.num_series):
        walker = Walker(model.call, signals.weights[group, 0], rows.shape[1], cutoff[group])
        for row in range(signals.rows(group).start, signals.rows(group).stop):
            is_warm = walker.is_warm
            expected[row], found = walker.step(rows[row])
            each[row] = found if is_warm else np.nan
    return expected, each


def _bunches(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return groups of series of similar length that are computed together."""
    order = np.argsort(lengths, kind="stable")
    width = max(1, _TOGETHER // max(int(lengths.max(initial=1)), 1))
    return [order[i : i + width] for i in range(0, len(order), width)]


def _rebuilt(model: Watching, signals: Signals) -> tuple[Floats, Floats]:
    """Return the rebuilt value of each row, and its mean squared error, [N, K] each.

    Both are means over the windows that contain the row. If causal, only those windows count in
    which the row is among the newest tenth, so that none looks far ahead.
    """
    window, is_causal = model.config.model.window, model.config.alarm.causal
    margin, values = model.config.model.margin, signals.values
    mean, square = np.zeros(values.shape), np.zeros(values.shape)
    count = np.zeros((len(values), 1))
    for group in range(signals.num_series):
        rows = signals.rows(group)
        size = min(window or int(signals.periods[group]), rows.stop - rows.start)
        inner = size - 2 * margin
        if inner < 1:
            continue
        stride = max(1, size // _OVERLAP)
        starts = np.unique(np.append(np.arange(rows.start, rows.stop - size, stride),
                                     rows.stop - size))  # fmt: skip
        first = size - stride if is_causal else 0
        for some in np.split(starts, range(_WINDOWS, len(starts), _WINDOWS)):
            place = some[None] + np.arange(size)[:, None]
            inside = place[margin : size - margin]
            found = model.call("rebuilt", signals.inputs[inside])[first:]
            held = place[first:]
            np.add.at(mean, held, found)
            np.add.at(square, held, (found - values[held]) ** 2)
            np.add.at(count, held, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean / count, square / count

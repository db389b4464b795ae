"""From networks to errors of every row: what was expected, and how far off each channel was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.runs.task import Model
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Signals
from longshort.tasks.anomaly.network import FREEDOM, Ahead, Rebuild, Watcher

Floats = NDArray[np.float64]

_TOGETHER = 2_000_000
"""Steps that go through a network at once."""
_WINDOWS = 512
_OVERLAP = 10
"""Windows that cover each row."""


@dataclass(frozen=True)
class Errors:
    """Of every row: what was expected [N, K] in deviations, and for each score by name how far off
    each channel was, [N, K]; NaN where no value was given or nothing was expected yet."""

    expected: Floats
    each: dict[str, Floats]


def errors_of(model: Model[AnomalyConfig, AnomalyEncoder], signals: Signals) -> Errors:
    """What the networks make of all rows; a row is judged by the rows before it, and where windows
    are rebuilt also by those around it."""
    network: Watcher = model.network
    network.eval()
    settings = model.config.model
    expected = signals.linear[:, 0] * np.nan
    each: dict[str, Floats] = {}
    with torch.no_grad():
        if network.ahead is not None:
            name = "nll" if "nll" in settings.score else "error"
            found = _forecasts(network.ahead, signals, model.device)
            expected, each[name] = _judged(signals, *found)
        if network.rebuild is not None:
            name = "aer" if "aer" in settings.score else "reconstruction"
            rebuilt, each[name] = _rebuilt(
                network.rebuild, signals, settings.window, model.config.alarm.causal, model.device
            )
            expected = rebuilt if network.ahead is None else expected
    for values in each.values():
        values[~signals.known] = np.nan
    return Errors(expected, each)


def _forecasts(network: Ahead, signals: Signals, device: str) -> tuple[Floats, Floats | None]:
    """Forecasts [N, ahead, K] made at each row, and their log spread where there is one."""
    ahead, channels, outputs = network.shape
    found = np.zeros((len(signals.inputs), ahead, channels, outputs))
    for groups in _bunches(signals.lengths):
        longest = int(signals.lengths[groups].max())
        x = np.zeros((longest, len(groups), signals.inputs.shape[1]), np.float32)
        for place, group in enumerate(groups):
            rows = signals.rows(group)
            x[: rows.stop - rows.start, place] = signals.inputs[rows]
        out, _ = network(torch.from_numpy(x).to(device))
        values = out.cpu().double().numpy()
        for place, group in enumerate(groups):
            rows = signals.rows(group)
            found[rows] = values[: rows.stop - rows.start, place]
    forecasts = found[..., 0] + signals.linear
    return forecasts, found[..., 1] if outputs == 2 else None


def _bunches(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Series of similar length that are computed together."""
    order = np.argsort(lengths, kind="stable")
    width = max(1, _TOGETHER // max(int(lengths.max(initial=1)), 1))
    return [order[i : i + width] for i in range(0, len(order), width)]


def _judged(signals: Signals, forecasts: Floats, spread: Floats | None) -> tuple[Floats, Floats]:
    """What was expected of each row one step before, and the mean error [N, K] over the steps from
    which it was forecast: squared, or minus the log likelihood of Student's t."""
    values = signals.values
    expected = np.full(values.shape, np.nan)
    total, count = np.zeros(values.shape), np.zeros((len(values), 1))
    for group in range(signals.num_series):
        rows = signals.rows(group)
        begin, length = rows.start, rows.stop - rows.start
        for step in range(min(forecasts.shape[1], length - 1)):
            made, judged = slice(begin, rows.stop - step - 1), slice(begin + step + 1, rows.stop)
            error = forecasts[made, step] - values[judged]
            total[judged] += cost(error, None if spread is None else spread[made, step])
            count[judged] += 1
        expected[begin + 1 : rows.stop] = forecasts[begin : rows.stop - 1, 0]
    with np.errstate(invalid="ignore"):
        return expected, np.where(count > 0, total / count, np.nan)


def cost(error: Floats, log_spread: Floats | None) -> Floats:
    """The square of errors, or minus their log likelihood under Student's t."""
    if log_spread is None:
        return error**2
    squared = (error / np.exp(log_spread)) ** 2
    found: Floats = log_spread + 0.5 * (FREEDOM + 1) * np.log1p(squared / FREEDOM)
    return found


def _rebuilt(
    network: Rebuild, signals: Signals, window: int | None, is_causal: bool, device: str
) -> tuple[Floats, Floats]:
    """What windows make of each row, and its mean squared error over the windows that hold it.

    Causal: only the windows count in which the row is among the newest, so that none looks far
    ahead: those of the last tenth.
    """
    values = signals.values
    mean, square = np.zeros(values.shape), np.zeros(values.shape)
    count = np.zeros((len(values), 1))
    for group in range(signals.num_series):
        rows = signals.rows(group)
        size = min(window or int(signals.periods[group]), rows.stop - rows.start)
        inner = size - 2 * network.margin
        if inner < 1:
            continue
        stride = max(1, size // _OVERLAP)
        starts = np.unique(np.append(np.arange(rows.start, rows.stop - size, stride),
                                     rows.stop - size))  # fmt: skip
        first = size - stride if is_causal else 0
        for some in np.split(starts, range(_WINDOWS, len(starts), _WINDOWS)):
            place = some[None] + np.arange(size)[:, None]
            inside = place[network.margin : size - network.margin]
            x = torch.from_numpy(signals.inputs[inside]).to(device)
            found = network(x).cpu().double().numpy()[first:]
            held = place[first:]
            np.add.at(mean, held, found)
            np.add.at(square, held, (found - values[held]) ** 2)
            np.add.at(count, held, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean / count, square / count


def plain(signals: Signals) -> Errors:
    """The autoregression's own errors, as the network's are: the baseline."""
    expected, squared = _judged(signals, signals.linear, None)
    squared[~signals.known] = np.nan
    return Errors(expected, {"error": squared})


AnyModel = Model[Any, Any]

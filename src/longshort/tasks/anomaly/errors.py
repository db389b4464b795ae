"""How far forecasts were off: of every row and channel. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.tasks.anomaly.encoder import Signals

Floats = NDArray[np.float64]

FREEDOM = 4.0
"""Degrees of freedom of the Student distribution: tails that outliers do not pull far."""


@dataclass(frozen=True)
class Errors:
    """Of every row: what was expected [N, K] in deviations, and for each score by name how far off
    each channel was, [N, K]; NaN where no value was given or nothing was expected yet."""

    expected: Floats
    each: dict[str, Floats]


def judged_forecasts(
    signals: Signals, forecasts: Floats, spread: Floats | None
) -> tuple[Floats, Floats]:
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
        count[begin : min(begin + signals.lags, rows.stop)] = 0  # the first rows only warm up
    with np.errstate(invalid="ignore", divide="ignore"):
        return expected, np.where(count > 0, total / count, np.nan)


def cost(error: Floats, log_spread: Floats | None) -> Floats:
    """The square of errors, or minus their log likelihood under Student's t."""
    if log_spread is None:
        return error**2
    squared = (error / np.exp(log_spread)) ** 2
    found: Floats = log_spread + 0.5 * (FREEDOM + 1) * np.log1p(squared / FREEDOM)
    return found


def autoregression_errors(signals: Signals) -> Errors:
    """The autoregression's own errors, as the network's are: the baseline."""
    expected, squared = judged_forecasts(signals, signals.linear, None)
    squared[~signals.known] = np.nan
    return Errors(expected, {"error": squared})

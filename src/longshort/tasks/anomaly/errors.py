"""Errors of forecasts, for every row and channel. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.tasks.anomaly.encoder import Signals

Floats = NDArray[np.float64]

FREEDOM = 4.0
"""Degrees of freedom of the Student distribution, whose tails make outliers count less."""


@dataclass(frozen=True)
class Errors:
    """Expected values and errors of every row.

    expected [N, K]: in deviations. each: errors [N, K] by name of the score; NaN where no value was
    given or nothing was expected yet.
    """

    expected: Floats
    each: dict[str, Floats]


def judged_forecasts(
    signals: Signals, forecasts: Floats, spread: Floats | None
) -> tuple[Floats, Floats]:
    """Return the value expected one step before each row, and the mean error, both [N, K].

    The mean is over the steps from which the row was forecast. The error is squared, or minus the
    log likelihood of Student's t.
    """
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
    """Return the squares of errors, or minus their log likelihood under Student's t."""
    if log_spread is None:
        return error**2
    squared = (error / np.exp(log_spread)) ** 2
    found: Floats = log_spread + 0.5 * (FREEDOM + 1) * np.log1p(squared / FREEDOM)
    return found


def autoregression_errors(signals: Signals) -> Errors:
    """Return the autoregression's own errors, in the form of the network's: the baseline."""
    expected, squared = judged_forecasts(signals, signals.linear, None)
    squared[~signals.known] = np.nan
    return Errors(expected, {"error": squared})

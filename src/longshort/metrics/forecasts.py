"""Forecast metrics over arrays of windows; missing values of the truth (NaN) are left out.

truth and forecast are [n, H]: n windows of horizon H, in one unit. sMAPE is that of the M4
competition, from 0 to 200 (Makridakis, 1993).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mase(errors: Floats, scale: Floats) -> float:
    """Mean absolute scaled error: the mean over series of MAE / scale (Hyndman & Koehler, 2006).

    errors [S]: MAE of each series. scale [S]: its mean absolute error of the seasonal naive
    forecast on the training rows (`seasonal_scale`). Series with a missing error or scale, or with
    a scale of 0, are left out.
    """
    usable = ~np.isnan(errors) & (scale > 0)
    return float(np.mean(errors[usable] / scale[usable])) if usable.any() else float("nan")


def mean_by(values: Floats, group: NDArray[np.int64], count: int) -> Floats:
    """Return the mean of values [n, H] in each group, [count]; NaN where a group has no values.

    group: group number of each value, [n, H], or broadcast to it: [n, 1] for a group per window,
    [1, H] for a group per step. Missing values (NaN) are left out.
    """
    known = ~np.isnan(values)
    place = np.broadcast_to(group, values.shape)[known]
    total = np.bincount(place, values[known], count)
    number = np.bincount(place, minlength=count)
    mean: Floats = np.full(count, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean


def grouped(
    truth: Floats, forecast: Floats, group: NDArray[np.int64], count: int
) -> dict[str, Floats]:
    """Return MSE, RMSE, MAE, R² and sMAPE, [count] each, of each group; groups as in `mean_by`."""
    square = (forecast - truth) ** 2
    size = np.abs(truth) + np.abs(forecast)
    ratio = np.divide(np.abs(forecast - truth), size, out=np.zeros_like(size), where=size > 0)
    ratio = np.where(np.isnan(truth), np.nan, ratio)
    centre = mean_by(truth, group, count)[np.broadcast_to(group, truth.shape)]
    spread = mean_by((truth - centre) ** 2, group, count)
    mse = mean_by(square, group, count)
    r2 = np.full(count, np.nan)
    np.divide(mse, spread, out=r2, where=spread > 0)
    return {
        "mse": mse,
        "rmse": np.sqrt(mse),
        "mae": mean_by(np.abs(forecast - truth), group, count),
        "r2": 1.0 - r2,
        "smape": 200.0 * mean_by(ratio, group, count),
    }


def pinball(truth: Floats, forecast: Floats, quantile: float) -> Floats:
    """Quantile (pinball) loss of each value (Koenker & Bassett, 1978)."""
    error = truth - forecast
    return np.maximum(quantile * error, (quantile - 1) * error)


def seasonal_scale(values: Floats, season: int) -> float:
    """Mean absolute seasonal difference of a series' training rows: the denominator of MASE."""
    steps = np.abs(values[season:] - values[:-season])
    known = steps[~np.isnan(steps)]
    return float(known.mean()) if known.size else float("nan")

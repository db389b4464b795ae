"""Forecast metrics on arrays of windows; missing truth (NaN) is left out.

truth and forecast are [n, H] over n windows of horizon H, in one unit. sMAPE is M4's, from 0 to 200
(Makridakis, 1993).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mase(errors: Floats, scale: Floats) -> float:
    """Mean absolute scaled error: the mean over series of MAE over `scale` (Hyndman, 2006).

    errors [S] is each series' MAE, scale [S] its error of the seasonal naive forecast on the
    training rows. Series without either, or with a scale of 0, are left out.
    """
    usable = ~np.isnan(errors) & (scale > 0)
    return float(np.mean(errors[usable] / scale[usable])) if usable.any() else float("nan")


def mean_by(values: Floats, group: NDArray[np.int64], count: int) -> Floats:
    """Mean of [n, H] values in each of `count` groups, NaN left out; NaN where a group has none.

    group is [n, H], or broadcasts to it: [n, 1] for one group a window, [1, H] for one a step.
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
    """MSE, RMSE, MAE, R² and sMAPE in each group (see `mean_by`), [count] each."""
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
    """Quantile loss of each value (Koenker & Bassett, 1978)."""
    error = truth - forecast
    return np.maximum(quantile * error, (quantile - 1) * error)


def seasonal_scale(values: Floats, season: int) -> float:
    """MASE's denominator: mean absolute seasonal difference of one series' training rows."""
    steps = np.abs(values[season:] - values[:-season])
    known = steps[~np.isnan(steps)]
    return float(known.mean()) if known.size else float("nan")

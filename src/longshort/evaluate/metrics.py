"""Forecast metrics on arrays of windows; missing truth (NaN) is left out.

truth and forecast are [n, H] over n windows of horizon H, in one unit.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mse(truth: Floats, forecast: Floats) -> float:
    """Mean squared error."""
    return float(np.nanmean((forecast - truth) ** 2))


def mae(truth: Floats, forecast: Floats) -> float:
    """Mean absolute error."""
    return float(np.nanmean(np.abs(forecast - truth)))


def r2(truth: Floats, forecast: Floats) -> float:
    """Share of the truth's variance explained; NaN when the truth is constant."""
    spread = float(np.nanmean((truth - np.nanmean(truth)) ** 2))
    return 1.0 - mse(truth, forecast) / spread if spread > 0 else float("nan")


def smape(truth: Floats, forecast: Floats) -> float:
    """Symmetric mean absolute percentage error, 0 to 200 (Makridakis, 1993; M4's formula)."""
    size = np.abs(truth) + np.abs(forecast)
    ratio = np.divide(np.abs(forecast - truth), size, out=np.zeros_like(size), where=size > 0)
    return 200.0 * float(np.nanmean(np.where(np.isnan(truth), np.nan, ratio)))


def mase(truth: Floats, forecast: Floats, scale: Floats, series: NDArray[np.int64]) -> float:
    """Mean absolute scaled error: the mean over series of MAE over `scale` (Hyndman, 2006).

    scale [S] is each series' error of the seasonal naive forecast on the training rows, series [n]
    the series of each window. Series whose scale is 0 or unknown are left out.
    """
    errors = mean_by(np.abs(forecast - truth), series, len(scale))
    usable = ~np.isnan(errors) & (scale > 0)
    return float(np.mean(errors[usable] / scale[usable])) if usable.any() else float("nan")


def mean_by(values: Floats, series: NDArray[np.int64], count: int) -> Floats:
    """Mean of [n, H] values over the windows of each series, [count]; NaN where it has none."""
    known = ~np.isnan(values)
    total = np.bincount(series, np.where(known, values, 0.0).sum(1), count)
    number = np.bincount(series, known.sum(1), count)
    mean: Floats = np.full(count, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean


def mean_by_step(values: Floats) -> Floats:
    """Mean of [n, H] values at each step of the horizon, [H]; NaN where no truth is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=0))


def pinball(truth: Floats, forecast: Floats, quantile: float) -> float:
    """Quantile loss (Koenker & Bassett, 1978)."""
    error = truth - forecast
    return float(np.nanmean(np.maximum(quantile * error, (quantile - 1) * error)))


def coverage(truth: Floats, low: Floats, high: Floats) -> float:
    """Share of known truth between two forecasts."""
    known = ~np.isnan(truth)
    return float(np.mean((truth >= low)[known] & (truth <= high)[known]))


def width(truth: Floats, low: Floats, high: Floats) -> float:
    """Mean width of the interval where the truth is known."""
    return float(np.mean((high - low)[~np.isnan(truth)]))


def seasonal_scale(values: Floats, season: int) -> float:
    """MASE's denominator: mean absolute seasonal difference of one series' training rows."""
    steps = np.abs(values[season:] - values[:-season])
    known = steps[~np.isnan(steps)]
    return float(known.mean()) if known.size else float("nan")

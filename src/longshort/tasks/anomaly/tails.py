"""The tail of scores beyond those that were seen: peaks over a threshold.

Excesses over a high level follow a generalised Pareto distribution (Pickands, 1975), fitted by
maximum likelihood in the one-dimensional form of Grimshaw (1993); the threshold of a rate follows
as in Siffer et al. (2017). It counts steps as if they were independent; `thresholds.py` counts
alarms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]
LEVEL = 0.98
"""Quantile of the calibration scores above which the tail begins."""
FEWEST = 10
"""Number of excesses that a fit needs."""
_GRID, _HALVINGS = 200, 80
_NO_SHAPE = 1e-8


@dataclass(frozen=True)
class Tail:
    """Scores above `level`: share of steps, and scale and shape of the excesses.

    scale is in units of the score; the shape is 0 for an exponential tail, above 0 for a heavier
    one and below 0 for one with an end.
    """

    level: float
    share: float
    scale: float
    shape: float

    def threshold(self, rate: float) -> float:
        """Return the score that a share `rate` of the steps exceeds; 0 < rate <= share."""
        if not 0 < rate <= self.share:
            raise ArgumentError(
                f"rate must lie above 0 and be at most {self.share:.4g}, the share of the tail; "
                f"it is {rate}; take a quantile of the calibration scores for greater ones"
            )
        times = math.log(self.share / rate)
        if abs(self.shape) < _NO_SHAPE:
            return self.level + self.scale * times
        return self.level + self.scale / self.shape * math.expm1(self.shape * times)


def tail_of(calibration: ArrayLike, level: float = LEVEL) -> Tail:
    """Fit the tail of finite calibration scores [n] above their quantile `level`.

    Raises `ArgumentError` if fewer than 10 scores exceed it.
    """
    scores = np.asarray(calibration, dtype=float)
    start = float(np.quantile(scores, level))
    excesses = scores[scores > start] - start
    if len(excesses) < FEWEST:
        raise ArgumentError(
            f"{len(excesses)} of {len(scores)} calibration scores exceed their quantile {level}; "
            f"a tail needs {FEWEST}: calibrate on more rows or lower the quantile"
        )
    scale, shape = fit_excesses(excesses)
    return Tail(start, len(excesses) / len(scores), scale, shape)


def fit_excesses(excesses: Floats) -> tuple[float, float]:
    """Fit scale and shape of the generalised Pareto distribution of positive excesses [n].

    With x = shape / scale, the shape is the mean of log(1 + x y), and x a root of (1 + shape) ·
    mean(1 / (1 + x y)) = 1. The likeliest of all roots and the exponential is taken.
    """
    mean = float(excesses.mean())
    best, scale, shape = -math.log(mean) - 1, mean, 0.0
    for root in _roots(excesses):
        found = float(np.log1p(root * excesses).mean())
        if abs(found) < _NO_SHAPE:
            continue
        likelihood = -math.log(found / root) - found - 1
        if likelihood > best:
            best, scale, shape = likelihood, found / root, found
    return scale, shape


def _roots(excesses: Floats) -> list[float]:
    """Return where the likelihood is stationary, on both sides of 0."""
    least, mean, most = (float(each) for each in (excesses.min(), excesses.mean(), excesses.max()))
    small = 1e-6
    below = -np.geomspace(small, 1 - small, _GRID) / most
    below = np.sort(np.concatenate([below, -(1 - np.geomspace(small, 0.5, _GRID)) / most]))
    bound = max(2 * (mean - least) / least**2, 1 / mean)
    above = np.geomspace(small / mean, bound * (1 + small), 2 * _GRID)
    return _crossings(excesses, below) + _crossings(excesses, above)


def _crossings(excesses: Floats, grid: Floats) -> list[float]:
    """Return roots between neighbours of a grid, by bisection of all at once."""
    values = _slope(excesses, grid)
    between = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    low, high, sign = grid[between], grid[between + 1], np.sign(values[between])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        same = np.sign(_slope(excesses, middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [float(each) for each in (low + high) / 2]


def _slope(excesses: Floats, x: Floats) -> Floats:
    inner = 1 + x[:, None] * excesses
    found: Floats = (1 + np.log(inner).mean(1)) * (1 / inner).mean(1) - 1
    return found

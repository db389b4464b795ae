"""Learning curves: a score against the amount of training data, as a + b n^-c."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_POWERS = np.linspace(0.05, 2.0, 79)
_DRAWS = 1000
_LEVEL = 0.9


@dataclass(frozen=True)
class Curve:
    """A fitted curve a + b n^-c (Hestness et al., 2017)."""

    limit: float
    scale: float
    power: float

    def at(self, amount: float) -> float:
        """Return the score with this amount of data."""
        return float(self.limit + self.scale * amount**-self.power)


def fit_curve(amounts: Floats, scores: Floats) -> Curve:
    """Fit by least squares: over a grid of powers, limit and scale are linear.

    amounts, scores [n]: of at least three different amounts.
    """
    return fit_curves(amounts, scores[None])[0]


def fit_curves(amounts: Floats, scores: Floats) -> list[Curve]:
    """Fit a curve to each row of scores [m, n], all at the same amounts [n]."""
    top = float(amounts.max())
    designs = [np.stack([np.ones_like(amounts), (amounts / top) ** -p], axis=1) for p in _POWERS]
    fitted = np.stack([scores @ np.linalg.pinv(design).T for design in designs])
    back = np.stack([found @ design.T for found, design in zip(fitted, designs, strict=True)])
    best = ((back - scores) ** 2).sum(axis=2).argmin(axis=0)
    return [
        Curve(float(limit), float(scale * top ** _POWERS[k]), float(_POWERS[k]))
        for k, (limit, scale) in zip(best, fitted[best, np.arange(len(scores))], strict=True)
    ]


@dataclass(frozen=True)
class Forecast:
    """A score that is expected with more data, and its interval at `level`."""

    amount: float
    score: float
    low: float
    high: float
    level: float = _LEVEL


def forecast(amounts: Floats, seeds: list[Floats], wanted: float, seed: int = 0) -> Forecast:
    """Extrapolate a learning curve to another amount of data.

    amounts [n]; seeds: the scores of each amount's seeds. The interval is a bootstrap's: scores are
    drawn around the curve with the spread of seeds and of the curve's own misfit, and fitted anew.
    """
    x = np.repeat(amounts, [len(each) for each in seeds])
    y = np.concatenate(seeds)
    curve = fit_curve(x, y)
    fitted = np.array([curve.at(each) for each in x])
    freedom = max(1, len(y) - 3)
    spread = math.sqrt(float(((y - fitted) ** 2).sum()) / freedom)
    rng = np.random.default_rng(seed)
    noisy = fitted + spread * rng.normal(size=(_DRAWS, len(x)))
    drawn = [each.at(wanted) for each in fit_curves(x, noisy)]
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    score = curve.at(wanted)
    return Forecast(wanted, score, min(float(low), score), max(float(high), score))

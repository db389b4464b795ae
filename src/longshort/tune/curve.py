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
    best: tuple[float, Curve] | None = None
    top = float(amounts.max())
    for power in _POWERS:
        design = np.stack([np.ones_like(amounts), (amounts / top) ** -power], axis=1)
        found, *_ = np.linalg.lstsq(design, scores, rcond=None)
        error = float(((design @ found - scores) ** 2).sum())
        if best is None or error < best[0]:
            limit, scale = float(found[0]), float(found[1])
            best = error, Curve(limit, scale * top**power, float(power))
    assert best is not None
    return best[1]


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
    drawn = [
        fit_curve(x, fitted + spread * rng.normal(size=len(x))).at(wanted) for _ in range(_DRAWS)
    ]
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    score = curve.at(wanted)
    return Forecast(wanted, score, min(float(low), score), max(float(high), score))

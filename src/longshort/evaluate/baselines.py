"""The rivals that every forecaster must beat, on the same windows and in the same units.

Each maps a history [n, M] that ends at the forecast origin to a forecast [n, H].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1)
"""Strengths tried for the linear rival, relative to the mean square of its inputs."""


class Baseline(ABC):
    """A forecast that needs no training, or a closed-form one."""

    name: str

    @abstractmethod
    def forecast(self, history: Floats, horizon: int) -> Floats:
        """history [n, M] to forecast [n, horizon]."""


class LastValue(Baseline):
    """The last value, repeated (persistence)."""

    name = "last_value"

    def forecast(self, history: Floats, horizon: int) -> Floats:
        """Repeat the last column."""
        return np.repeat(history[:, -1:], horizon, axis=1)


class SeasonalNaive(Baseline):
    """The value one season ago."""

    name = "seasonal_naive"

    def __init__(self, season: int) -> None:
        self.season = season

    def forecast(self, history: Floats, horizon: int) -> Floats:
        """Repeat the last season; the history must hold one."""
        cycle = history[:, -self.season :]
        return np.tile(cycle, (1, -(-horizon // self.season)))[:, :horizon]


class Drift(Baseline):
    """The straight line through the first and last value of the context."""

    name = "drift"

    def __init__(self, context: int) -> None:
        self.context = context

    def forecast(self, history: Floats, horizon: int) -> Floats:
        """Continue the line."""
        window = history[:, -self.context :]
        slope = (window[:, -1] - window[:, 0]) / max(1, self.context - 1)
        return window[:, -1:] + slope[:, None] * np.arange(1, horizon + 1)


class LinearLags(Baseline):
    """A linear map of the context minus its last value, shared by all series.

    The map of NLinear (Zeng et al., 2023), but solved in closed form with a ridge penalty chosen
    on the validation windows, which is stronger than its usual training by gradient steps.
    """

    name = "linear"

    def __init__(self, weights: Floats, ridge: float) -> None:
        self.weights = weights
        self.ridge = ridge

    def forecast(self, history: Floats, horizon: int) -> Floats:
        """Apply the map [L, H] to the last L values."""
        window = history[:, -len(self.weights) :]
        last = window[:, -1:]
        return last + (window - last) @ self.weights[:, :horizon]

    @staticmethod
    def fit(
        train: Iterator[tuple[Floats, Floats]], validate: Iterator[tuple[Floats, Floats]]
    ) -> LinearLags:
        """Fit on pieces of (context [n, L], target [n, H]) and choose the ridge on others.

        Windows with missing targets are left out.
        """
        gram, cross, count = _moments(train)
        gram_val, cross_val, _ = _moments(validate)
        size = len(gram)
        level = float(np.trace(gram)) / size or 1.0
        best: tuple[float, float, Floats] | None = None
        for ridge in RIDGES:
            weights: Floats = np.asarray(
                np.linalg.solve(gram + ridge * level * np.eye(size), cross), np.float64
            )
            error = float(np.sum(weights * (gram_val @ weights)) - 2 * np.sum(weights * cross_val))
            if best is None or error < best[0]:
                best = (error, ridge, weights)
        if best is None or count == 0:
            raise ValueError("the linear rival needs at least one complete training window")
        return LinearLags(best[2], best[1])


def _moments(pieces: Iterator[tuple[Floats, Floats]]) -> tuple[Floats, Floats, int]:
    gram, cross, count = np.zeros(()), np.zeros(()), 0
    for context, target in pieces:
        complete = ~np.isnan(target).any(axis=1)
        last = context[complete, -1:]
        x, y = context[complete] - last, target[complete] - last
        gram, cross, count = gram + x.T @ x, cross + x.T @ y, count + len(x)
    return np.atleast_2d(gram), np.atleast_2d(cross), count

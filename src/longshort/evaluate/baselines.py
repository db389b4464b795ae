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
    """The value one season ago; the last value where none is known that far back."""

    name = "seasonal_naive"

    def __init__(self, season: int) -> None:
        self.season = season

    def forecast(self, history: Floats, horizon: int) -> Floats:
        """Repeat the last season."""
        cycle = history[:, -self.season :]
        cycle = np.where(np.isnan(cycle), history[:, -1:], cycle)
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
        """Fit on pieces of (context [n, L], target [n, H]) and choose the ridge on others."""
        gram, cross = _moments(train)
        gram_val, cross_val = _moments(validate)
        size = len(gram)
        level = float(np.trace(gram)) / size or 1.0
        found: list[tuple[float, float, Floats]] = []
        for ridge in RIDGES:
            weights = np.asarray(
                np.linalg.solve(gram + ridge * level * np.eye(size), cross), np.float64
            )
            error = float(np.sum(weights * (gram_val @ weights)) - 2 * np.sum(weights * cross_val))
            found.append((error, ridge, weights))
        _, ridge, weights = min(found, key=lambda entry: entry[0])
        return LinearLags(weights, ridge)


def _moments(pieces: Iterator[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Sums of x xᵀ and x yᵀ over all windows, relative to their last value."""
    gram, cross = np.zeros(()), np.zeros(())
    for context, target in pieces:
        last = context[:, -1:]
        x, y = context - last, target - last
        gram, cross = gram + x.T @ x, cross + x.T @ y
    return np.atleast_2d(gram), np.atleast_2d(cross)

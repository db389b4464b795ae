"""The linear map over windows: its fit, and its forecasts in the data's units."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from longshort.data.panel import Floats
from longshort.data.windows import Origins, Singles, WindowReader
from longshort.metrics.linear import LinearMap, Piece, least_absolute, least_squares
from longshort.tasks.forecast.linear_inputs import LinearPlan, linear_inputs
from longshort.tasks.forecast.windows import Windows

_PIECE = 2048
_MAX_WINDOWS, _FEWEST_WINDOWS = 200_000, 2_000
_SQUARE_WORK, _ABSOLUTE_WORK = 2e10, 4e8
"""Number of products that a fit may cost: for second moments of all inputs; for all errors once."""

Norm = Callable[[Singles], tuple[Singles, Singles]]
"""A function from contexts [B, L, C] to location and scale, [B, 1, C] each."""


def last_value(context: Singles) -> tuple[Singles, Singles]:
    """Return the norm that subtracts the last value, as in NLinear (Zeng et al., 2023)."""
    return context[:, -1:], np.ones_like(context[:, -1:])


class LinearWindows:
    """Training and validation windows as the linear map sees them, each normalised by `norm`."""

    def __init__(
        self, reader: WindowReader, train: Origins, val: Origins, norm: Norm = last_value
    ) -> None:
        self.reader, self.train, self.val, self.norm = reader, train, val, norm

    def least_squares(self, plan: LinearPlan) -> LinearMap:
        """Fit by least squares.

        The penalty and the blocks of inputs are chosen on the validation windows.
        """
        most = most_windows(plan.size)
        return least_squares(
            self._pieces(self.train.thinned(most), plan),
            self._pieces(self.val.thinned(most), plan),
            plan.blocks,
        )

    def least_absolute(self, plan: LinearPlan, begin: LinearMap) -> LinearMap:
        """Fit by least absolute error.

        The inputs are the blocks of `begin`, where the fit starts, a constant and the level.
        """
        most = most_compared(plan.size * self.reader.horizon)
        used = {n: rows for n, rows in plan.blocks.items() if n in (*begin.blocks, "level")}
        return least_absolute(self._pieces(self.train.thinned(most), plan), begin, used)

    def losses(self, found: LinearMap, plan: LinearPlan) -> Floats:
        """Return the mean squared error of each validation window and column, [n · C]."""
        pieces = self._pieces(self.val, plan)
        return np.concatenate([np.mean((found(x) - change) ** 2, axis=1) for x, change in pieces])

    def _pieces(self, origins: Origins, plan: LinearPlan) -> Iterator[Piece]:
        """Yield inputs [n, I] and changes [n, H] in pieces; gaps hold the last known value."""
        for begin in range(0, len(origins), _PIECE):
            batch = self.reader.gather(origins[begin : begin + _PIECE])
            location, scale = self.norm(batch.context)
            x = (batch.context - location) / scale
            change = (batch.target - location) / scale - x[:, -1:]
            inputs = linear_inputs(x, batch, plan, np.concatenate)
            yield _flat(inputs), _flat(change.swapaxes(1, 2))


def most_windows(inputs: int) -> int:
    """Return how many windows a fit by second moments of so many inputs may take."""
    return max(_FEWEST_WINDOWS, min(_MAX_WINDOWS, int(_SQUARE_WORK / inputs**2)))


def most_compared(weights: int) -> int:
    """Return how many windows a fit by absolute errors of so many weights may take."""
    return max(_FEWEST_WINDOWS, min(_MAX_WINDOWS, int(_ABSOLUTE_WORK / weights)))


def _flat(values: Singles) -> Floats:
    """Reshape [n, C, I] to [n · C, I] in float64."""
    return np.ascontiguousarray(values.reshape(-1, values.shape[2]), np.float64)


def linear_forecast(weights: Floats, plan: LinearPlan, windows: Windows) -> Floats:
    """Return forecasts [m, H] in the data's units by weights [I, H].

    The windows are relative to their last value.
    """
    reader, origins = windows.reader, windows.origins
    scaled = [np.empty((0, reader.horizon))]
    for begin in range(0, len(origins), _PIECE):
        batch = reader.gather(origins[begin : begin + _PIECE])
        location, _ = last_value(batch.context)
        inputs = linear_inputs(batch.context - location, batch, plan, np.concatenate)
        scaled.append(_flat(location.swapaxes(1, 2)) + _flat(inputs) @ weights)
    return windows.user_units(np.concatenate(scaled))

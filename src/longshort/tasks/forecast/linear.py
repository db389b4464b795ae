"""The linear map over windows: fitted, and its forecasts in the data's units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from longshort.config import RunConfig
from longshort.data.panel import Floats, Panel
from longshort.data.windows import Origins, WindowReader
from longshort.metrics.linear import LinearMap, Piece, least_absolute, least_squares
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.network import InstanceNorm, instance_norm
from longshort.tasks.forecast.straight import StraightPlan, straight_inputs

_PIECE = 2048
_MAX_WINDOWS, _FEWEST_WINDOWS = 200_000, 2_000
_SQUARE_WORK, _ABSOLUTE_WORK = 2e10, 4e8
"""Products that a fit may cost: second moments of all inputs; one look at all errors."""


class LinearWindows:
    """Training and validation windows as the linear map sees them."""

    def __init__(
        self, reader: WindowReader, train: Origins, val: Origins, instance: InstanceNorm
    ) -> None:
        self.reader, self.train, self.val, self.instance = reader, train, val, instance

    def least_squares(self, plan: StraightPlan) -> LinearMap:
        """Penalty and blocks of inputs chosen on the validation windows."""
        most = max(_FEWEST_WINDOWS, min(_MAX_WINDOWS, int(_SQUARE_WORK / plan.size**2)))
        return least_squares(
            self._pieces(thinned(self.train, most), plan),
            self._pieces(thinned(self.val, most), plan),
            plan.blocks,
        )

    def least_absolute(self, plan: StraightPlan, begin: LinearMap) -> LinearMap:
        """On the blocks of `begin`, and a constant and the level too."""
        work = plan.size * self.reader.horizon
        most = max(_FEWEST_WINDOWS, min(_MAX_WINDOWS, int(_ABSOLUTE_WORK / work)))
        used = {n: part for n, part in plan.blocks.items() if n in (*begin.blocks, "level")}
        return least_absolute(self._pieces(thinned(self.train, most), plan), begin, used)

    def losses(self, found: LinearMap, plan: StraightPlan) -> Floats:
        """Mean square of each validation window and column, [n · C]."""
        pieces = self._pieces(self.val, plan)
        return np.concatenate([np.mean((found(x) - change) ** 2, axis=1) for x, change in pieces])

    def _pieces(self, origins: Origins, plan: StraightPlan) -> Iterator[Piece]:
        """Inputs [n, I] and changes [n, H], a piece at a time; gaps hold the last known value."""
        for begin in range(0, len(origins), _PIECE):
            batch = self.reader.gather(origins[begin : begin + _PIECE])
            location, scale = instance_norm(batch.context, self.instance)
            x = (batch.context - location) / scale
            change = (batch.target - location) / scale - x[:, -1:]
            inputs = straight_inputs(x, batch, plan)
            yield _flat(inputs), _flat(change.transpose(1, 2))


def thinned(origins: Origins, most: int) -> Origins:
    """About `most` of them at most, evenly."""
    return origins[:: max(1, -(-len(origins) // most))]


def _flat(values: Tensor) -> Floats:
    """[n, C, I] to [n · C, I] in float64."""
    flat: Floats = values.reshape(-1, values.size(2)).double().numpy()
    return flat


def linear_forecast(
    found: LinearMap, plan: StraightPlan, fitted: Fitted, reader: WindowReader, origins: Origins
) -> Floats:
    """Forecasts [m, H] in the data's units, of a map of windows relative to their last value."""
    scaled = [np.empty((0, reader.horizon))]
    for begin in range(0, len(origins), _PIECE):
        batch = reader.gather(origins[begin : begin + _PIECE])
        location, _ = instance_norm(batch.context, "last")
        inputs = straight_inputs(batch.context - location, batch, plan)
        last = _flat(location.transpose(1, 2))
        scaled.append(last + found(_flat(inputs)))
    flat = reader.flat(origins)
    return to_user_units(fitted, reader, flat, np.concatenate(scaled))


def to_user_units(fitted: Fitted, reader: WindowReader, flat: Origins, scaled: Floats) -> Floats:
    """Scaled forecasts [m, H, …] with the known effects, in the data's units."""
    effects = reader.known_ahead(flat)
    whole = scaled + effects.reshape(*effects.shape, *([1] * (scaled.ndim - 2)))
    before = history(reader.panel, flat, fitted.transform.config.difference)
    return fitted.transform.invert(whole, flat.group, flat.column, before)


def history(panel: Panel, flat: Origins, length: int) -> Floats:
    """The `length` values in user units before each origin, gaps filled from the past, [m, length].

    Rows before a group's first are NaN.
    """
    rows = flat.row[:, None] - length + np.arange(length)
    at = panel.offsets[flat.group][:, None] + np.maximum(rows, 0)
    values = panel.filled[at, flat.column[:, None]]
    return np.where(rows < 0, np.nan, values)


def plan_of(config: RunConfig, past: int, *, everything: bool = False) -> StraightPlan:
    """What the linear map sees: as the settings say, or all that it may be fitted to.

    past: columns of past covariates, with one for every word of those that hold categories.
    """
    model = config.model
    assert model.context_length
    return StraightPlan.of(
        model.context_length,
        past,
        with_past=everything or bool(model.linear_past),
        with_level=everything or bool(model.level),
    )

"""A network with the fitted numbers it needs: forecasts in the data's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats
from longshort.data.windows import Origins, WindowReader
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.floor import within_floor
from longshort.tasks.forecast.linear import to_user_units

if TYPE_CHECKING:
    from torch import nn

PIECE = 2048
"""Windows that are forecast together."""


class Forecaster:
    """A network with the fitted numbers it needs: forecasts for any panel of the same schema."""

    def __init__(
        self,
        config: ForecastConfig,
        fitted: Fitted,
        network: nn.Module,
        shifts: Floats | None = None,
    ) -> None:
        self.config = config
        self.fitted = fitted
        self.network = network
        self.shifts = shifts
        """How far quantiles are moved, [Q, H], where they were calibrated."""

    def for_data(self, fitted: Fitted) -> Forecaster:
        """The same for other data."""
        return Forecaster(self.config, fitted, self.network, self.shifts)

    def forecast(self, reader: WindowReader, origins: Origins) -> Floats:
        """Forecasts [m, H, Q] in the user's units, one row per origin and column."""
        return self.calibrated(reader, origins, self.uncalibrated(reader, origins))

    def calibrated(self, reader: WindowReader, origins: Origins, quantiles: Floats) -> Floats:
        """Quantiles [m, H, Q] moved as the validation part asks for."""
        if self.shifts is None:
            return quantiles
        flat = reader.flat(origins)
        spread = self.fitted.zscore.scale[flat.group, flat.column][:, None, None]
        moved = quantiles + self.shifts.T * spread
        return self._bounded(reader, flat, moved)

    def uncalibrated(self, reader: WindowReader, origins: Origins) -> Floats:
        """As the network gives them."""
        pieces = [
            self._piece(reader, origins[begin : begin + PIECE])
            for begin in range(0, len(origins), PIECE)
        ]
        return np.concatenate(pieces)

    def _piece(self, reader: WindowReader, origins: Origins) -> Floats:
        import torch

        from longshort.runs.batches import on_device

        self.network.eval()
        with torch.no_grad():
            batch = on_device(reader.gather(origins), self.config.train.device)
            scaled = self.network(batch).cpu().double().numpy()
        scaled = scaled.transpose(0, 2, 1, 3).reshape(-1, scaled.shape[1], scaled.shape[3])
        flat = reader.flat(origins)
        user = to_user_units(self.fitted, reader, flat, scaled)
        return self._bounded(reader, flat, user)

    def _bounded(self, reader: WindowReader, flat: Origins, user: Floats) -> Floats:
        """Quantiles [m, H, Q] in their order, and no lower than the series allows."""
        user = self._still(reader, flat, user)
        return np.sort(within_floor(self.config, self.fitted, reader.panel, flat, user), axis=2)

    def _still(self, reader: WindowReader, flat: Origins, user: Floats) -> Floats:
        """A series that has never moved stays where it is."""
        stays = self.stays(reader, flat)
        if not stays.any():
            return user
        user = user.copy()
        user[stays] = self.fitted.lowest[flat.group, flat.column][stays][:, None, None]
        return user

    def stays(self, reader: WindowReader, flat: Origins) -> NDArray[np.bool_]:
        """Whose series has never moved, in training or in the window, [m]."""
        lowest = self.fitted.lowest[flat.group, flat.column]
        found = lowest == self.fitted.highest[flat.group, flat.column]
        rows = np.flatnonzero(found)
        for begin in range(0, rows.size, PIECE):
            some = rows[begin : begin + PIECE]
            past = reader.before(flat[some], np.arange(reader.context, 0, -1))
            found[some] = np.all(past == lowest[some, None], axis=1)
        return np.asarray(found)

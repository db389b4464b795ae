"""The least forecast of a series: amounts and counts are never negative."""

from __future__ import annotations

import numpy as np

from longshort.config import RunConfig
from longshort.data.panel import Floats
from longshort.data.windows import Origins
from longshort.tasks.forecast.fitted import Fitted


def floors(config: RunConfig, fitted: Fitted) -> Floats:
    """For each group and column in the data's units, [G, K]; -inf where there is none."""
    floor = config.model.floor
    if floor == "auto":
        return np.where(fitted.lowest >= 0, 0.0, -np.inf)
    return np.full_like(fitted.lowest, -np.inf if floor is None else float(floor))


def within_floor(config: RunConfig, fitted: Fitted, flat: Origins, forecast: Floats) -> Floats:
    """Forecasts [m, H, …] of one window a row, raised to the floor of their series."""
    floor = floors(config, fitted)[flat.group, flat.column]
    return np.maximum(forecast, floor.reshape(-1, *([1] * (forecast.ndim - 1))))

"""The least forecast of a series: amounts and counts are never negative."""

from __future__ import annotations

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.windows import Origins
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.fitted import Fitted


def floors(config: ForecastConfig, fitted: Fitted) -> Floats:
    """By what was seen in training, in the data's units, [G, K]; -inf where there is none."""
    floor = config.model.floor
    if floor == "auto":
        return np.where(fitted.lowest >= 0, 0.0, -np.inf)
    return np.full_like(fitted.lowest, -np.inf if floor is None else float(floor))


def within_floor(
    config: ForecastConfig, fitted: Fitted, panel: Panel, flat: Origins, forecast: Floats
) -> Floats:
    """Forecasts [m, H, …] of one window a row, raised to the floor of their series.

    A series that has gone below 0 since training has no floor any more.
    """
    floor = floors(config, fitted)[flat.group, flat.column]
    if config.model.floor == "auto":
        before = panel.lowest_so_far[panel.offsets[flat.group] + flat.row - 1, flat.column]
        floor = np.where(before < 0, -np.inf, floor)
    return np.maximum(forecast, floor.reshape(-1, *([1] * (forecast.ndim - 1))))

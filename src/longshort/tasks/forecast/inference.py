"""Forecasts of a trained network for windows, in the data's units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats
from longshort.runs.task import Model
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.windows import Windows

ForecastModel = Model[ForecastConfig, ForecastEncoder]

PIECE = 2048
"""Number of windows that are forecast together."""
CALIBRATION = "calibration"
"""Name under which a run keeps the shifts of quantiles, [Q, H]."""


def forecast(model: ForecastModel, windows: Windows) -> Floats:
    """Return forecasts [m, H, Q] in the user's units, calibrated where the model is."""
    return calibrated(model, windows, uncalibrated(model, windows))


def calibrated(model: ForecastModel, windows: Windows, quantiles: Floats) -> Floats:
    """Return quantiles [m, H, Q], shifted by the model's calibration."""
    shifts = model.kept.get(CALIBRATION)
    if shifts is None:
        return quantiles
    flat = windows.flat
    spread = windows.encoder.zscore.scale[flat.group, flat.column][:, None, None]
    return _bounded(windows, quantiles + shifts.T * spread)


def uncalibrated(model: ForecastModel, windows: Windows) -> Floats:
    """Return forecasts [m, H, Q] as the network gives them."""
    origins = windows.origins
    pieces = (origins[begin : begin + PIECE] for begin in range(0, len(origins), PIECE))
    return np.concatenate([_piece(model, windows.chosen(piece)) for piece in pieces])


def _piece(model: ForecastModel, windows: Windows) -> Floats:
    scaled = model.call("forward", windows.reader.gather(windows.origins)).astype(np.float64)
    scaled = scaled.transpose(0, 2, 1, 3).reshape(-1, scaled.shape[1], scaled.shape[3])
    return _bounded(windows, windows.user_units(scaled))


def _bounded(windows: Windows, quantiles: Floats) -> Floats:
    """Return quantiles [m, H, Q] in their order, and no lower than the floor of their series.

    A series that has never moved stays where it is.
    """
    stays = np.flatnonzero(never_moved(windows))
    if stays.size:
        flat = windows.flat[stays]
        quantiles = quantiles.copy()
        quantiles[stays] = windows.encoder.lowest[flat.group, flat.column][:, None, None]
    return np.sort(windows.above_floor(quantiles), axis=2)


def never_moved(windows: Windows) -> NDArray[np.bool_]:
    """Return whether each window's series has never moved, in training or in the window, [m]."""
    flat, reader = windows.flat, windows.reader
    lowest = windows.encoder.lowest[flat.group, flat.column]
    found = lowest == windows.encoder.highest[flat.group, flat.column]
    rows = np.flatnonzero(found)
    for begin in range(0, rows.size, PIECE):
        some = rows[begin : begin + PIECE]
        past = reader.before(flat[some], np.arange(reader.context, 0, -1))
        found[some] = np.all(past == lowest[some, None], axis=1)
    return np.asarray(found)

"""The linear model of all columns at once, where the network sees them at once too.

What columns know of each other would else look like a merit of the network. Letters: C columns, L
lags of each, H horizon, B windows of all columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from longshort.data.panel import Floats
from longshort.data.windows import Origins, Singles, WindowReader
from longshort.errors import counted
from longshort.metrics.linear import Piece, least_absolute, least_squares
from longshort.tasks.forecast.baselines.contract import Arrays, Baseline
from longshort.tasks.forecast.config import ForecastModel
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.linear import LinearWindows, last_value, most_compared, most_windows
from longshort.tasks.forecast.windows import Windows

JOINT, JOINT_ABSOLUTE = "linear_joint", "linear_joint_absolute"
_TITLES = {
    JOINT: "the linear model of all columns",
    JOINT_ABSOLUTE: "the linear model of all columns, of least absolute error",
}
_PIECE = 1024
_MOST_INPUTS, _MOST_WEIGHTS = 1536, 1_000_000


@dataclass(frozen=True)
class JointLinear(Baseline):
    """A linear map [L · C, H · C] of the lags of all columns, each minus its last value."""

    weights: Floats

    def forecast(self, windows: Windows) -> Floats:
        """Apply the map to every window of all columns."""
        reader, origins = windows.reader, windows.origins
        found = [np.empty((0, reader.horizon))]
        columns = self.weights.shape[1] // reader.horizon
        for begin in range(0, len(origins), _PIECE):
            context = reader.gather(origins[begin : begin + _PIECE]).context
            location, _ = last_value(context)
            change = _inputs(context, len(self.weights) // columns) @ self.weights
            ahead = location + change.reshape(len(context), reader.horizon, columns)
            found.append(ahead.swapaxes(1, 2).reshape(-1, reader.horizon))
        return windows.user_units(np.concatenate(found))


def fit_joint(
    windows: LinearWindows, model: ForecastModel, *, absolute: bool
) -> tuple[dict[str, Arrays], str]:
    """Fit the map by least squares and, if `absolute`, by least absolute error too.

    The penalty is chosen on the validation windows. Returns the fitted numbers by name, and what
    the map sees. There are none where the network does not see several columns at once, or where a
    map of a million weights could not see a lag of each, which is then said instead.
    """
    reader, columns = windows.reader, windows.reader.panel.target.shape[1]
    if not model.is_joint or columns < 2:
        return {}, ""
    lags = _lags(model, columns)
    if not lags:
        why = "a lag of each would take too many weights"
        if model.context_length == 1:
            why = "the context has the last value alone"
        return {}, f"no linear model of all {columns:,} columns is fitted: {why}"
    most = most_windows(lags * columns)
    found = least_squares(
        _pieces(reader, windows.train.thinned(most), lags),
        _pieces(reader, windows.val.thinned(most), lags),
        {"lags": slice(0, lags * columns)},
    )
    arrays: dict[str, Arrays] = {JOINT: {"weights": found.weights}}
    if absolute:
        few = windows.train.thinned(most_compared(found.weights.size))
        used = {"lags": slice(0, lags * columns)}
        fitted = least_absolute(_pieces(reader, few, lags), found, used)
        arrays[JOINT_ABSOLUTE] = {"weights": fitted.weights}
    return arrays, f"sees {counted(lags, 'lag')} of all {columns} columns; ridge {found.ridge:g}"


def joint_baselines(encoder: ForecastEncoder, kept: Mapping[str, Arrays]) -> list[Baseline]:
    """Return the maps among the kept arrays; raises `ValueError` for weights of another shape."""
    found, horizon = [], encoder.config.model.horizon
    for name, title in _TITLES.items():
        if name in kept:
            weights = kept[name]["weights"]
            columns = weights.shape[-1] // (horizon or 1)
            if (
                weights.ndim != 2
                or weights.shape[1] != columns * horizon
                or (not columns or weights.shape[0] % columns)
            ):
                raise ValueError(f"shape {weights.shape} of {name}")
            found.append(JointLinear(name, title, weights))
    return [*found]


def _lags(model: ForecastModel, columns: int) -> int:
    """Return how many lags of each column the map sees, beside the last value; 0 for none."""
    assert model.context_length and model.horizon
    weights = columns**2 * model.horizon
    return min(model.context_length - 1, _MOST_INPUTS // columns, _MOST_WEIGHTS // weights)


def _pieces(reader: WindowReader, origins: Origins, lags: int) -> Iterator[Piece]:
    """Yield inputs [B, L · C] and changes [B, H · C]; gaps hold the last known value."""
    for begin in range(0, len(origins), _PIECE):
        batch = reader.gather(origins[begin : begin + _PIECE])
        change = batch.target - batch.context[:, -1:]
        yield _inputs(batch.context, lags), _wide(change)


def _inputs(context: Singles, lags: int) -> Floats:
    return _wide((context - context[:, -1:])[:, -lags - 1 : -1])


def _wide(values: Singles) -> Floats:
    """Reshape [B, T, C] to [B, T · C] in float64."""
    return np.ascontiguousarray(values.reshape(len(values), -1), np.float64)

"""Transforms of the target before the model: log1p, then difference, then scale.

Fitted on the rows of the training split alone; the fitted numbers and those rows are recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.config import TransformConfig
from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.errors import DataError

_TINY = 1e-8


@dataclass(frozen=True)
class TargetTransform:
    """Invertible transforms with their fitted numbers; location and scale are [G, K]."""

    config: TransformConfig
    location: Floats
    scale: Floats

    @staticmethod
    def fit(panel: Panel, rows_end: Ints, config: TransformConfig) -> TargetTransform:
        """Fit on the first `rows_end[g]` rows of each group."""
        values = _pointwise(panel, config)
        values[~panel.is_within(rows_end)] = np.nan
        shape = (panel.num_groups, values.shape[1])
        if config.scale == "none":
            return TargetTransform(config, np.zeros(shape), np.ones(shape))
        if config.per == "global":
            one = _location_scale(values.reshape(-1), config)
            return TargetTransform(config, np.full(shape, one[0]), np.full(shape, one[1]))
        blocks = np.split(values, panel.offsets[1:-1])
        fitted = np.array(
            [[_location_scale(column, config) for column in block.T] for block in blocks]
        )
        return TargetTransform(config, fitted[..., 0], fitted[..., 1])

    def apply(self, panel: Panel) -> Floats:
        """Scaled target [N, K] with gaps filled from the past; leading gaps stay NaN."""
        return self.apply_to(_pointwise(panel, self.config), panel.lengths)

    def apply_to(self, values: Floats, lengths: Ints) -> Floats:
        """Scale values [N, K] of groups of these lengths [G], without the steps before scaling."""
        location, scale = (np.repeat(each, lengths, 0) for each in (self.location, self.scale))
        return (values - location) / scale

    def invert(self, scaled: Floats, group: Ints, column: Ints, before: Floats) -> Floats:
        """Transform forecasts back to the user's units.

        scaled [n, H, ...]: forecasts of series (group[n], column[n]). before [n, d]: the d values
        in the user's units that precede each forecast, where d is the lag of the difference.
        """
        wide = (slice(None), *([None] * (scaled.ndim - 1)))
        values = scaled * self.scale[group, column][wide] + self.location[group, column][wide]
        lag = self.config.difference
        if lag:
            past = np.log1p(before) if self.config.log1p else before
            past = past.reshape(len(past), lag, *([1] * (values.ndim - 2)))
            joined = np.concatenate(
                [np.broadcast_to(past, (*past.shape[:2], *values.shape[2:])), values], axis=1
            )
            for step in range(lag, joined.shape[1]):
                joined[:, step] += joined[:, step - lag]
            values = joined[:, lag:]
        return np.expm1(values) if self.config.log1p else values

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted numbers for `data.json`."""
        return {"location": self.location.tolist(), "scale": self.scale.tolist()}

    @staticmethod
    def from_dict(config: TransformConfig, stored: dict[str, Any]) -> TargetTransform:
        """Return the transform that `to_dict` wrote."""
        return TargetTransform(
            config, np.array(stored["location"], float), np.array(stored["scale"], float)
        )


def _pointwise(panel: Panel, config: TransformConfig) -> Floats:
    values = panel.filled.copy()
    if config.log1p:
        low = np.nanmin(values)
        if low <= -1:
            row, column = np.argwhere(values <= -1)[0]
            group = int(np.searchsorted(panel.offsets, row, side="right")) - 1
            when = panel.stamps(group, np.array([row - panel.offsets[group]]))[0]
            raise DataError(
                f"transform.log1p needs values above -1; {panel.series_name(group, int(column))} "
                f"is {values[row, column]:g} at {when}; use --set transform.log1p=false"
            )
        values = np.log1p(values)
    lag = config.difference
    if lag:
        behind = np.full_like(values, np.nan)
        behind[lag:] = values[:-lag]
        behind[panel.position < lag] = np.nan
        values = values - behind
    return values


def _location_scale(values: Floats, config: TransformConfig) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return np.nan, np.nan  # never seen in training: it cannot be scaled without looking ahead
    if config.scale == "robust":
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        location, spread = float(middle), float(high - low) / 1.349
    else:
        location, spread = float(known.mean()), float(known.std())
    return location, spread if spread > _TINY * max(1.0, abs(location)) else 1.0

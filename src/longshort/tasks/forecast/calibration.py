"""Calibration of quantiles on the validation split, so that they cover the share they should.

Split conformal calibration of each quantile (Romano et al., 2019, conformalised quantile
regression, one side at a time). It is exact if windows can be exchanged; series that drift are not
like that, so the coverage on the test split is reported before and after.
"""

from __future__ import annotations

import math

import numpy as np

from longshort.data.panel import Floats
from longshort.tasks.forecast.inference import ForecastModel, never_moved, uncalibrated
from longshort.tasks.forecast.windows import Windows

_BY_STEP = 200
"""Number of validation windows from which each step of the horizon is moved by itself."""
FEWEST = 40
"""Number of validation windows below which the quantiles stay as they were learned."""


def calibration(model: ForecastModel, val: Windows) -> Floats | None:
    """Return how far quantiles have to move to cover the validation split as they should, [Q, H].

    None where there are too few windows to tell.
    """
    windows, config = val.for_validation, model.config.model
    quantiles = uncalibrated(model, windows)
    # Series that have never moved are nearly always right, which says nothing of the others.
    moving = np.flatnonzero(~never_moved(windows))
    flat, quantiles = windows.flat[moving], quantiles[moving]
    spread = windows.encoder.zscore.scale[flat.group, flat.column]
    truth = windows.reader.truth(flat)
    return quantile_shifts(truth, quantiles, spread, config.quantiles, config.middle)


def quantile_shifts(
    truth: Floats, quantiles: Floats, spread: Floats, levels: tuple[float, ...], middle: int
) -> Floats | None:
    """Return how far to move each quantile at each step, [Q, H], in spreads of the series.

    truth [m, H] with NaN where nothing is known, quantiles [m, H, Q], spread [m] in the data's
    units. The middle one stays. None where there are too few windows to tell.
    """
    windows, horizon = truth.shape
    if windows < FEWEST:
        return None
    off = (truth[..., None] - quantiles) / spread[:, None, None]
    steps = [slice(h, h + 1) for h in range(horizon)] if windows >= _BY_STEP else [slice(None)]
    shifts = np.zeros((len(levels), horizon))
    for number, level in enumerate(levels):
        for step in steps if number != middle else []:
            known = off[:, step, number]
            shifts[number, step] = _conformal(known[~np.isnan(known)], level)
    return shifts


def _conformal(off: Floats, level: float) -> float:
    """Return the order statistic on whose right side a further value stays often enough."""
    if not off.size:
        return 0.0
    ordered = np.sort(off)
    rank = (off.size + 1) * level
    place = math.ceil(rank) if level > 0.5 else math.floor(rank)
    return float(ordered[min(max(place, 1), off.size) - 1])

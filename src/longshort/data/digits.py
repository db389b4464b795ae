"""Number of decimals of forecasts: those of the data and up to two more.

Two more, because a forecast is a mean and lies between values; but no more than resolve a
thousandth of the series' deviation, because the rest is numerical noise. Only output for people is
rounded: text files and tables on the screen. JSON and Parquet hold the exact numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats, Panel

Ints = NDArray[np.int64]

_MORE = 2
_FINE = 3
"""Decimals after a deviation's first digit, to resolve a thousandth of it.

Values written with so many more are taken for computed ones.
"""
_LOOKED_AT = 10_000
_MOST_WRITTEN, _MOST = 12, 22
"""Decimals above the first are computed; above the second, powers of ten are not exact doubles."""
_FLAT = 1e-9
"""Relative to the size of the values: a smaller deviation counts as none."""
_NOISE = 1e-12
"""Relative rounding error of a double that was written with decimals, or summed from such."""


def decimals_of(panel: Panel) -> Ints:
    """Return the decimals of forecasts for each group and target column, [G, K]."""
    fine = _FINE - np.floor(np.log10(_spread(panel))).astype(np.int64)
    found = np.empty_like(fine)
    for column in range(panel.target.shape[1]):
        own = written_decimals(panel.target[:, column])
        each = fine[:, column]
        written = each if own is None else np.clip(each, own, own + _MORE)
        found[:, column] = np.where(written > each + _FINE, each, written)
    return np.maximum(found, 0)


def written_decimals(values: Floats) -> int | None:
    """Return the decimals that values [N] were written with; None for computed values.

    Missing values are NaN.
    """
    known = values[np.isfinite(values)]
    known = known[:: max(1, len(known) // _LOOKED_AT)]
    for decimals in range(_MOST_WRITTEN + 1):
        if (np.abs(np.round(known, decimals) - known) <= _NOISE * np.abs(known)).all():
            return decimals
    return None


def rounded(values: Floats, decimals: Ints) -> Floats:
    """Round each value to its decimals; both have one shape.

    Values with more than 22 are unchanged.
    """
    found = values.astype(np.float64, copy=True)
    for places in np.unique(decimals[decimals <= _MOST]).tolist():
        here = decimals == places
        found[here] = np.round(values[here], places) + 0.0  # no -0.0
    return found


def _spread(panel: Panel) -> Floats:
    """Return each series' standard deviation, [G, K]; its size if constant, 1 if constantly 0.

    In two passes, so that a small deviation about a large mean is not lost.
    """
    group = np.repeat(np.arange(panel.num_groups), panel.lengths)
    spread = np.ones((panel.num_groups, panel.target.shape[1]))
    for column in range(panel.target.shape[1]):
        values = panel.target[:, column]
        known = np.isfinite(values)
        which, each = group[known], values[known]
        count = np.maximum(np.bincount(which, minlength=panel.num_groups), 1)
        mean = np.bincount(which, each, minlength=panel.num_groups) / count
        square = np.bincount(which, (each - mean[which]) ** 2, minlength=panel.num_groups) / count
        deviation, size = np.sqrt(square), np.abs(mean)
        moves = deviation > _FLAT * size
        spread[:, column] = np.where(moves, deviation, np.where(size > 0, size, 1.0))
    return spread

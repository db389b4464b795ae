"""How many decimals a forecast is written with: those of the data and up to two more.

Two more, because a forecast is a mean and falls between the values; no more than resolve a
thousandth of the series' spread, because the rest is noise of the arithmetic. Only what people read
is rounded: text files, tables on the screen. JSON and Parquet hold the numbers as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats, Panel

Ints = NDArray[np.int64]

_MORE = 2
_FINE = 3
"""Decimal places after the spread's first digit: a thousandth; a millionth is a computed number."""
_LOOKED_AT = 10_000
_MOST_WRITTEN, _MOST = 12, 22
"""More than the first are computed; beyond the second powers of ten are no exact doubles."""
_FLAT = 1e-9
"""Share of the size below which a deviation is none."""
_NOISE = 1e-12
"""Relative: a double that was written with decimals, or added up from such, is as near to them."""


def decimals_of(panel: Panel) -> Ints:
    """Decimals for the forecasts of each group and target column, [G, K]."""
    fine = _FINE - np.floor(np.log10(_spread(panel))).astype(np.int64)
    found = np.empty_like(fine)
    for column in range(panel.target.shape[1]):
        own = written_decimals(panel.target[:, column])
        each = fine[:, column]
        written = each if own is None else np.clip(each, own, own + _MORE)
        found[:, column] = np.where(written > each + _FINE, each, written)
    return np.maximum(found, 0)


def written_decimals(values: Floats) -> int | None:
    """Decimals with which the values were written down; None where they were computed, not written.

    values: [N], NaN where there is none.
    """
    known = values[np.isfinite(values)]
    known = known[:: max(1, len(known) // _LOOKED_AT)]
    for decimals in range(_MOST_WRITTEN + 1):
        if (np.abs(np.round(known, decimals) - known) <= _NOISE * np.abs(known)).all():
            return decimals
    return None


def rounded(values: Floats, decimals: Ints) -> Floats:
    """Values, each rounded to its decimals; both of one shape. Beyond 22 they stay as they are."""
    found = values.astype(np.float64, copy=True)
    for places in np.unique(decimals[decimals <= _MOST]).tolist():
        here = decimals == places
        found[here] = np.round(values[here], places) + 0.0  # no -0.0
    return found


def _spread(panel: Panel) -> Floats:
    """Standard deviation of each series, its size where it never changes, 1 where it is 0, [G, K].

    Two passes, so that a small spread about a large level is not lost.
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

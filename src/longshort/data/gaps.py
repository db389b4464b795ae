"""Missing values of a sequence, and what replaces them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

POLICY = (
    "the last known value stands for each, and before the first one the mean of the sequence's "
    "channel"
)


def fill_gaps(values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Replace NaN in values [T, F] by `POLICY`; returns the values and how many were missing.

    A channel without any value is unchanged.
    """
    if values.dtype.kind != "f":
        return values, 0
    missing = np.isnan(values)
    count = int(missing.sum())
    if not count:
        return values, 0
    steps = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, steps), axis=0)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    known = np.maximum((~missing).sum(0), 1)
    mean = np.where(missing, 0.0, values).sum(0, dtype=np.float64) / known
    before = (last < 0) & ~missing.all(0)
    return np.where(before, mean.astype(values.dtype), filled), count

"""Training rows that a row is compared with where it is explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.runs.explaining import Floats

_MOST = 64


def spread(count: int) -> NDArray[np.int64]:
    """Return the numbers of at most 64 of so many training rows, at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST)).round().astype(np.int64))


def of_length(items: Sequence[NDArray[Any]], steps: int, width: int) -> Floats:
    """Return rows [M, T, F], each cut to so many steps, or repeated up to them."""
    if not len(items):
        return np.zeros((0, steps, width))
    return np.stack([np.resize(each, (steps, width)) for each in items]).astype(np.float64)

"""Numbers that stand for missing values, such as -999, far away from all other values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_USUAL = (
    *(sign * value for value in (999.0, 9999.0, 99999.0, 999999.0, 1e20, 1e30) for sign in (1, -1)),
    *(-99.0, -99.9, 99.99, 999.9, 9999.9, -999.9, -9999.9, -32768.0, -2147483648.0),
    *(9.969209968386869e36, 1e36, -1e36, 1.7976931348623157e308, -1.7976931348623157e308),
)
_CLOSE = 1e-6
"""Relative tolerance: single precision stores 1e20 as 100000002004087734272."""
_FAR = 0.5
"""Least distance of a sentinel from the other values, as a share of their range."""
_FEWEST = 10


def sentinels(values: NDArray[np.float64]) -> list[tuple[float, NDArray[np.bool_]]]:
    """Return the usual sentinels far from all other values [N], each with a mask of its places."""
    rest = values[~np.isnan(values)]
    found: list[float] = []
    while rest.size > _FEWEST and len(found) < len(_USUAL):
        ends = (float(rest.min()), float(rest.max()))
        at_end = next((u for u in _USUAL if any(_is(np.array(end), u) for end in ends)), None)
        if at_end is None:
            break
        found.append(at_end)
        rest = rest[~_is(rest, at_end)]
    if not found or rest.size < _FEWEST:
        return []
    low, high = float(rest.min()), float(rest.max())
    return [
        (value, _is(values, value))
        for value in sorted(found)
        if max(low - value, value - high) > _FAR * max(high - low, 1.0)
    ]


def _is(values: NDArray[np.float64], usual: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(values - usual) <= _CLOSE * abs(usual))

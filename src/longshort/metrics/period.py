"""The period of a series by its autocorrelation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

USUAL = 125
"""Where no period is found."""
_ROWS, _FIRST, _LAST = 20_000, 3, 400
_SHORTEST, _LONGEST = 6, 303


def period_of(series: ArrayLike) -> int:
    """Steps of the strongest period of one channel [T], or `USUAL`.

    The highest local maximum of the autocorrelation of the first 20,000 steps at the lags 3 to 400,
    if it lies at 6 to 303. Missing values are interpolated; a constant series has no period. This
    is the rule of TSB-AD 1.5 (`find_length_rank`), by which its windows are chosen.
    """
    values = np.asarray(series, dtype=float)[:_ROWS]
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return USUAL
    whole = np.interp(np.arange(len(values)), known, values[known])
    correlation = _autocorrelation(whole - whole.mean())[_FIRST : _LAST + 1]
    middle = correlation[1:-1]
    peaks = np.flatnonzero((middle > correlation[:-2]) & (middle > correlation[2:])) + 1
    if not peaks.size:
        return USUAL
    period = int(peaks[np.argmax(correlation[peaks])]) + _FIRST
    return period if _SHORTEST <= period <= _LONGEST else USUAL


def _autocorrelation(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """At the lags 0, 1, …, T - 1; 0 everywhere for a constant series."""
    size = 1 << (2 * len(centred)).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    products = np.fft.irfft(power, size)[: len(centred)]
    return products / products[0] if products[0] > 0 else np.zeros(len(centred))

"""Detection of a series' period by its autocorrelation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

USUAL = 125
"""Period that is returned if none is found."""
_ROWS, _FIRST, _LAST = 20_000, 3, 400
_SHORTEST, _LONGEST = 6, 303


def period_of(series: ArrayLike) -> int:
    """Return the strongest period of one channel [T], in steps, or `USUAL` if none is found.

    It is the lag from 3 to 400 with the highest local maximum of the autocorrelation of the first
    20,000 steps, if that lag is from 6 to 303. Missing values are interpolated; a constant series
    has no period. This is the rule by which TSB-AD 1.5 chooses its windows (`find_length_rank`).
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
    """Return the autocorrelation at the lags 0, 1, …, T - 1; all 0 for a constant series."""
    size = 1 << (2 * len(centred)).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    products = np.fft.irfft(power, size)[: len(centred)]
    return products / products[0] if products[0] > 0 else np.zeros(len(centred))

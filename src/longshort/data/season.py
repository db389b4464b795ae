"""Season length from the data: the usual lengths at this step, weighed by autocorrelation."""

from __future__ import annotations

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints, seasons
from longshort.data.transforms import forward_fill

_MAX_SERIES = 64
_MIN_CORRELATION = 0.2
_MAX_UNKNOWN = 400


def find_season(panel: Panel, rows_end: Ints) -> int:
    """Season in steps, from the first `rows_end[g]` rows of each group; 1 when none shows.

    Candidates are the calendar's at this step; plain rows try every length up to 400. A season
    needs two full cycles, an autocorrelation of the differenced series of at least 0.2, and to be
    a peak of it.
    """
    filled = forward_fill(panel.target, panel.offsets)
    pick = np.linspace(0, panel.num_groups - 1, min(panel.num_groups, _MAX_SERIES)).astype(int)
    columns = np.linspace(0, filled.shape[1] - 1, min(filled.shape[1], _MAX_SERIES)).astype(int)
    longest = int(max(rows_end[pick])) // 2
    candidates = seasons(panel.freq)
    if panel.freq.unit == "rows":
        candidates = list(range(2, _MAX_UNKNOWN))
    candidates = [lag for lag in candidates if 2 <= lag <= longest]
    if not candidates:
        return 1
    totals, count = np.zeros(max(candidates) + 2), 0
    for group in pick:
        begin = panel.offsets[group]
        block = filled[begin : begin + rows_end[group]]
        for column in columns:
            series = block[:, column][~np.isnan(block[:, column])]
            if len(series) > len(totals) and np.ptp(series) > 0:
                totals += autocorrelation(np.diff(series), len(totals))
                count += 1
    if not count:
        return 1
    mean = totals / count
    peaks = [lag for lag in candidates if mean[lag] >= max(mean[lag - 1], mean[lag + 1])]
    if panel.freq.unit != "rows":
        peaks = [lag for lag in candidates if mean[lag] >= max(mean[lag - 1], mean[lag + 1]) - 0.05]
    strong = [lag for lag in peaks if mean[lag] >= _MIN_CORRELATION]
    if not strong:
        return 1
    best = max(strong, key=lambda lag: mean[lag])
    return next(lag for lag in strong if mean[lag] >= 0.9 * mean[best])


def autocorrelation(values: Floats, lags: int) -> Floats:
    """Autocorrelation at lags 0 to lags-1, by the Fourier transform."""
    centred = values - values.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    product = np.fft.irfft(spectrum * np.conj(spectrum), size)[:lags]
    full = np.zeros(lags)
    if product.size and product[0] > 0:
        full[: product.size] = product / product[0]
    return full

"""Detection of the season length: usual lengths at this time step, chosen by autocorrelation.

Where the differenced series shows no season, mean profiles are tried: a season that is slow
compared with the step (a day of five-minute steps) hardly shows in differences, but determines the
level.
"""

from __future__ import annotations

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints, seasons

_MAX_SERIES = 64
_MIN_CORRELATION = 0.2
_PEAK_SLACK = 0.05
_NEAR_BEST = 0.9
_MAX_UNKNOWN = 400
_MIN_EXPLAINED = 0.2
"""Share of the second half's variance that a profile of the first half has to explain."""
_MOST_MEASURED = 200_000


def find_season(panel: Panel, rows_end: Ints) -> int:
    """Return the season in steps, from each group's first `rows_end[g]` rows; 1 if none is found.

    Candidates are those of the calendar at this step; for plain rows all lengths up to 400. A
    season needs two full cycles and, in the differenced series, an autocorrelation of at least 0.2
    that is a local maximum.
    """
    longest = int(rows_end.max()) // 2
    is_plain = panel.freq.unit == "rows"
    usual = range(2, _MAX_UNKNOWN) if is_plain else seasons(panel.freq)
    candidates = [lag for lag in usual if 2 <= lag <= longest]
    series = _sample(panel, rows_end, max(candidates, default=0) + 2)
    if not candidates or not series:
        return 1
    lags = max(candidates) + 2
    moves = np.mean([autocorrelation(np.diff(values), lags) for values in series], axis=0)
    slack = 0.0 if is_plain else _PEAK_SLACK
    strong = [
        lag
        for lag in candidates
        if moves[lag] >= _MIN_CORRELATION
        and moves[lag] >= max(moves[lag - 1], moves[lag + 1]) - slack
    ]
    if is_plain:
        levels = np.mean([autocorrelation(_detrended(v), lags) for v in series], axis=0)
        below = np.flatnonzero(levels <= 0)
        strong = [lag for lag in strong if below.size and lag > below[0]]
    if not strong:
        return 1 if is_plain else _by_profile(series, candidates)
    best = max(moves[lag] for lag in strong)
    return next(lag for lag in strong if moves[lag] >= _NEAR_BEST * best)


def _by_profile(series: list[Floats], candidates: list[int]) -> int:
    """Return the candidate whose mean profile in the first half fits the second best, or 1."""
    found = {lag: float(np.mean([explained(v, lag) for v in series])) for lag in candidates}
    strong = [lag for lag in candidates if found[lag] >= _MIN_EXPLAINED]
    if not strong:
        return 1
    best = max(found[lag] for lag in strong)
    return next(lag for lag in strong if found[lag] >= _NEAR_BEST * best)


def explained(values: Floats, lag: int) -> float:
    """Return the share of the second half's variance that the first half's mean profile explains.

    The variance is about the mean over each `lag` steps. Below 0 the profile is chance.
    """
    cycles = min(len(values), _MOST_MEASURED) // lag
    half = cycles // 2
    if half < 1:
        return 0.0
    rows = values[-2 * half * lag :].reshape(2 * half, lag)
    rows = rows - rows.mean(1, keepdims=True)
    profile, other = rows[:half].mean(0), rows[half:]
    spread = float(np.sum(other**2))
    return 1.0 - float(np.sum((other - profile) ** 2)) / spread if spread > 0 else 0.0


def _sample(panel: Panel, rows_end: Ints, shortest: int) -> list[Floats]:
    """Return training values of at most 64 series that are long enough and not constant."""
    filled = panel.filled
    pairs = [(g, k) for g in range(panel.num_groups) for k in range(filled.shape[1])]
    found = []
    for group, column in pairs[:: max(1, len(pairs) // _MAX_SERIES)]:
        begin = panel.offsets[group]
        values = filled[begin : begin + rows_end[group], column]
        values = values[~np.isnan(values)]
        if len(values) > shortest and np.ptp(values) > 0:
            found.append(values)
    return found


def _detrended(values: Floats) -> Floats:
    """Remove the linear trend, which would look like autocorrelation."""
    t = np.arange(len(values))
    slope, level = np.polyfit(t, values, 1)
    return np.asarray(values - slope * t - level)


def autocorrelation(values: Floats, lags: int) -> Floats:
    """Return the autocorrelation at lags 0 to lags-1, by the Fourier transform."""
    centred = values - values.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    product = np.fft.irfft(spectrum * np.conj(spectrum), size)[:lags]
    full = np.zeros(lags)
    if product.size and product[0] > 0:
        full[: product.size] = product / product[0]
    return full

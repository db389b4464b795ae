"""The rows that raised an alarm.

A smoothed score stays high for long after a large error, and two-sided smoothing raises it before
the error too. So a row is flagged for its own contribution: rows that raise the mean above the
threshold count as if they were usual from then on, and the mean of the others is below it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.detection import events_of
from longshort.tasks.anomaly.smoothing import smoothed_both

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_SLACK = 1e-9
"""What usual scores lie below the threshold at least, so that rounding raises no alarm."""


def raising(scores: Floats, span: int, threshold: float, usual: float, *, causal: bool) -> Flags:
    """Return the rows [T] that keep the mean of the scores [T], NaN for none, above a threshold.

    span: that of the smoothing, in steps. usual: mean score of normal rows, which replaces the
    scores of flagged rows. Rows between two of them that are no further apart than the span belong
    to the same alarm, and are flagged too.
    """
    known = np.flatnonzero(~np.isnan(scores))
    found = np.zeros(len(scores), dtype=bool)
    if known.size and np.isfinite(threshold):
        rows = _in_order if causal else _heaviest_first
        found[known] = rows(scores[known], span, threshold, below(usual, threshold))
        for start, stop in events_of(found, span):
            found[start:stop] = True
    return found


def below(usual: float, threshold: float) -> float:
    """Return the usual score, put below the threshold where normal scores never change."""
    return min(usual, threshold - _SLACK * (1.0 + abs(threshold)))


def with_score(mean: float, score: float, span: float) -> float:
    """Return an exponentially weighted mean with a further score; the score for a mean of NaN."""
    return score if np.isnan(mean) else mean + 2.0 / (span + 1.0) * (score - mean)


def _in_order(scores: Floats, span: int, threshold: float, usual: float) -> Flags:
    """Flag each row by the past alone."""
    mean, found = usual, []
    for score in scores.tolist():
        new = with_score(mean, score, span)
        is_raising = new > threshold
        found.append(is_raising)
        mean = with_score(mean, usual, span) if is_raising else new
    return np.array(found, dtype=bool)


def _heaviest_first(scores: Floats, span: int, threshold: float, usual: float) -> Flags:
    """Flag the stretch of each excursion that most exceeds the threshold, until none is left.

    That is the one whose scores less the threshold have the largest sum.
    """
    left, found = scores.copy(), np.zeros(len(scores), dtype=bool)
    while True:
        padded = np.concatenate([[usual], left, [usual]])
        high = smoothed_both(padded, span)[1:-1] > threshold
        before = int(found.sum())
        for start, stop in events_of(high):
            near = max(0, start - span)
            first, last = _heaviest(left[near : stop + span] - threshold)
            found[near + first : near + last] = True
            left[near + first : near + last] = usual
        if int(found.sum()) == before:
            return found


def _heaviest(scores: Floats) -> tuple[int, int]:
    """Return start and end of the stretch [start, end) with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    least = np.minimum.accumulate(sums)[:-1]
    end = int(np.argmax(sums[1:] - least)) + 1
    return int(np.argmin(sums[:end])), end

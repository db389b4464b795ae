"""The score of the Numenta Anomaly Benchmark (Lavin & Ahmad, 2015).

A labelled window earns up to 1 point, more for an earlier first flagged step; a missed one loses
points. Every flagged step outside of windows loses points too: few shortly after a window, and the
full weight far from one. The sum is scaled to 0 for a detector without alarms and to 100 for one
that flags each window at its start. Rows at the start of each series, its probation, do not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError, nearest
from longshort.metrics.detection import as_pair, events_of

_PROBATION, _LONGEST_PROBATION = 0.15, 750
_FAR = 3.0
"""Distance past a window, in its widths, from which a false alarm costs its full weight."""


@dataclass(frozen=True)
class Profile:
    """Costs of a flagged step outside of windows, and of a missed window."""

    false_alarm: float
    miss: float


PROFILES = {
    "standard": Profile(0.11, 1.0),
    "low_fp": Profile(0.22, 1.0),
    "low_fn": Profile(0.11, 2.0),
}


def nab_score(series: Iterable[tuple[ArrayLike, ArrayLike]], profile: str = "standard") -> float:
    """Return the score over all series together, at best 100; it has no lower bound.

    series: for each series its labels and flags, both [T] of 0 and 1. profile: "standard", "low_fp"
    (false alarms cost twice as much) or "low_fn" (misses cost twice as much). The score is NaN if
    no window lies after the probation.
    """
    if profile not in PROFILES:
        raise ArgumentError(f"profile {profile!r} is not known; {nearest(profile, PROFILES)}")
    weights = PROFILES[profile]
    points, windows = 0.0, 0
    for labels, flags in series:
        earned, counted = _points(labels, flags, weights)
        points += earned
        windows += counted
    null = -weights.miss * windows
    return 100 * (points - null) / (windows - null) if windows else float("nan")


def _points(labels: ArrayLike, flags: ArrayLike, weights: Profile) -> tuple[float, int]:
    """Return the points of one series, and the number of its windows that count."""
    truth, flagged = as_pair(labels, flags)
    steps = np.arange(len(truth))
    counts = steps >= min(math.floor(_PROBATION * len(truth)), _LONGEST_PROBATION)
    hits = flagged & counts
    past = np.full(len(truth), _FAR)
    earned, windows = 0.0, 0
    for start, end in events_of(truth):
        if counts[end - 1]:
            windows += 1
            found = np.flatnonzero(hits[start:end])
            early = (end - start - found[:1]) / (end - start)
            earned += float((_value(-early) / _value(-1.0)).sum()) if found.size else -weights.miss
        if end - start > 1:
            past[end:] = (steps[end:] - end + 1) / (end - start - 1)
        else:
            past[end:] = _FAR
    return earned + weights.false_alarm * float(_value(past[hits & ~truth]).sum()), windows


def _value(position: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the value of flagged steps, from 1 to -1, at these positions relative to a window.

    Position -1 is the start of the window, 0 is its end, and positive ones lie after it.
    """
    place = np.asarray(position, dtype=float)
    return np.where(place >= _FAR, -1.0, 2 / (1 + np.exp(5 * np.minimum(place, _FAR))) - 1)

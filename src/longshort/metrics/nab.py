"""The score of the Numenta Anomaly Benchmark (Lavin & Ahmad, 2015).

A labelled window earns up to 1, the more the earlier its first flagged step; a missed one costs.
Every flagged step outside costs, little shortly after a window and the full weight far from one.
The sum is 0 for a detector without alarms and 100 for one that flags each window at its start. Rows
at the start of each series are a probation that does not count.
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
"""Widths past a window from which a false alarm costs its full weight."""


@dataclass(frozen=True)
class Profile:
    """What a flagged step outside of windows costs, and a missed window."""

    false_alarm: float
    miss: float


PROFILES = {
    "standard": Profile(0.11, 1.0),
    "low_fp": Profile(0.22, 1.0),
    "low_fn": Profile(0.11, 2.0),
}


def nab_score(series: Iterable[tuple[ArrayLike, ArrayLike]], profile: str = "standard") -> float:
    """Score of (labels, flags) of all series together, each [T] of 0 and 1; 100 at best.

    It has no lower bound; NaN where no window lies behind the probation. Profiles: "standard",
    "low_fp" (false alarms cost twice), "low_fn" (misses cost twice).
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
    """What one series earns, and its windows that count."""
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
    """Of a flagged step, from 1 to -1; position -1 is a window's start and 0 lies past its end."""
    place = np.asarray(position, dtype=float)
    return np.where(place >= _FAR, -1.0, 2 / (1 + np.exp(5 * np.minimum(place, _FAR))) - 1)

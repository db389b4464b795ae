"""Precision and recall of ranges (Tatbul et al., 2018, "Precision and recall for time series").

The reward of a range is the share of it that is overlapped, weighted by position, and reduced if
several ranges of the other side overlap it. Labels and flags are [T] of 0 and 1.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.metrics.detection import Event, Flags, as_pair, events_of

Bias = Literal["flat", "front", "back", "middle"]
"""Positions of a range that weigh most; all weigh the same if flat."""


def range_recall(
    labels: ArrayLike, flags: ArrayLike, *, alpha: float = 0.0, bias: Bias = "flat",
    reciprocal: bool = True,
) -> float:  # fmt: skip
    """Return the mean reward of the labelled events, 0 to 1; NaN without such an event.

    The reward is alpha · (found at all) + (1 - alpha) · cardinality · overlap. alpha: reward for
    finding an event at all, 0 to 1. reciprocal: the cardinality is 1 / (number of alarms that
    overlap the event) if true, else 1.
    """
    truth, flagged = as_pair(labels, flags)
    rewards = [_reward(each, flagged, bias, reciprocal, alpha) for each in events_of(truth)]
    return float(np.mean(rewards)) if rewards else float("nan")


def range_precision(
    labels: ArrayLike, flags: ArrayLike, *, bias: Bias = "flat", reciprocal: bool = True
) -> float:
    """Return the mean over alarms of cardinality · overlap with labelled events.

    It is NaN without an alarm. The arguments are those of `range_recall`.
    """
    return range_recall(flags, labels, bias=bias, reciprocal=reciprocal)


def _reward(event: Event, other: Flags, bias: Bias, reciprocal: bool, alpha: float) -> float:
    covered = other[event[0] : event[1]]
    if not covered.any():
        return 0.0
    weights = _weights(len(covered), bias)
    share = float(weights @ covered / weights.sum())
    pieces = len(events_of(covered))
    return alpha + (1 - alpha) * share / (pieces if reciprocal else 1)


def _weights(length: int, bias: Bias) -> NDArray[np.float64]:
    place = np.arange(1.0, length + 1)
    match bias:
        case "flat":
            return np.ones(length)
        case "front":
            return place[::-1]
        case "back":
            return place
        case "middle":
            return np.where(place <= length / 2, place, length - place + 1)

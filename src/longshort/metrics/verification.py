"""Metrics of verification: are two samples of the same individual?

A trial is a pair of samples with a similarity; it is a target if both are of one individual. At a
threshold, misses are targets below it, and false alarms are others at or above it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Tradeoff(NamedTuple):
    """Shares of misses and of false alarms at every threshold, from the highest, [k] each."""

    thresholds: Floats
    misses: Floats
    alarms: Floats


def tradeoff(similarity: Floats, is_target: Bools) -> Tradeoff:
    """Return misses and false alarms at each threshold (Martin et al., The DET curve, 1997).

    similarity, is_target: [n]. Raises `ValueError` without targets, or without others.
    """
    targets, others = int(is_target.sum()), int((~is_target).sum())
    if not targets or not others:
        raise ValueError(f"trials of both kinds are needed, got {targets} targets, {others} others")
    order = np.argsort(-similarity, kind="stable")
    values, hits = similarity[order], is_target[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)  # ties go together
    found = np.cumsum(hits)[last]
    wrong = (last + 1) - found
    return Tradeoff(
        np.concatenate([[np.inf], values[last]]),
        np.concatenate([[1.0], 1 - found / targets]),
        np.concatenate([[0.0], wrong / others]),
    )


def equal_error(curve: Tradeoff) -> tuple[float, float]:
    """Return the equal error rate and its threshold, by linear interpolation of the curve."""
    gap = curve.alarms - curve.misses
    after = int(np.argmax(gap >= 0))
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])
    rate = curve.misses[before] + share * (curve.misses[after] - curve.misses[before])
    first, last = curve.thresholds[before], curve.thresholds[after]
    return float(rate), float(last if np.isinf(first) else first + share * (last - first))


def least_cost(curve: Tradeoff, prior: float = 0.01) -> float:
    """Return the least detection cost over all thresholds, 1 for saying always the same.

    prior: probability of a target; both errors cost the same. Source: NIST, speaker recognition
    evaluation (2016), normalised by the cost of the better constant answer.
    """
    costs = prior * curve.misses + (1 - prior) * curve.alarms
    return float(costs.min() / min(prior, 1 - prior))


def errors_at(similarity: Floats, is_target: Bools, threshold: float) -> tuple[float, float]:
    """Return the shares of misses and of false alarms at a threshold."""
    accepted = similarity >= threshold
    return float(np.mean(~accepted[is_target])), float(np.mean(accepted[~is_target]))

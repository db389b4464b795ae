"""Smoothing of scores by an exponential mean, of the past alone or of both sides.

An anomaly lasts; the error of a single row does not tell it from noise. On public benchmarks the
smoothing decides more than the model, so that everything beside the network is smoothed alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def smoothed(scores: Floats, span: int, *, causal: bool) -> Floats:
    """Scores [T] by an exponential mean of this span in steps (weight 2 / (span + 1)).

    Not causal: the mean of the past, smoothed once more from the end backwards, so that nothing is
    late. Where a score is missing, the mean stays; before the first one the result is NaN.
    """
    if span <= 1:
        return scores
    found = running_mean(scores, span)
    return found if causal else running_mean(found[::-1], span)[::-1]


def running_mean(scores: Floats, span: int, start: float | None = None) -> Floats:
    """The exponential mean of the past at every step; start: the mean before the first step."""
    weight = 2.0 / (span + 1.0)
    found = np.empty(len(scores))
    mean = float("nan") if start is None else start
    for step, score in enumerate(scores.tolist()):
        if score == score:
            mean = score if mean != mean else mean + weight * (score - mean)
        found[step] = mean
    return found

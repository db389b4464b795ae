"""Smoothing of scores: an anomaly lasts, noise does not.

For a stream only the past may be used (`smoothed`); in an archive both sides may (`smoothed_both`).
Scores that are smoothed both ways are centred on the anomaly and rise before it, so the two must
never be compared with each other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]
_BLOCK = 256


def smoothed(scores: Floats, span: float) -> Floats:
    """Return the exponentially weighted mean of the scores [T] up to each step.

    The last score has the weight 2 / (span + 1), and the mean starts at the first score. span: in
    steps, at least 1, which changes nothing.
    """
    if span < 1:
        raise ArgumentError(f"span must be at least 1 step; it is {span}")
    weights, fading = _of_block(span)
    steps = len(scores)
    blocks = np.pad(scores, (0, -steps % _BLOCK)).reshape(-1, _BLOCK)
    within = blocks @ weights
    carried = np.empty(len(blocks))
    last = float(scores[0]) if steps else 0.0
    for number, ends in enumerate(within[:, -1].tolist()):
        carried[number] = last
        last = ends + float(fading[-1]) * last
    found: Floats = (within + carried[:, None] * fading[1:]).ravel()[:steps]
    return found


@lru_cache(maxsize=16)
def _of_block(span: float) -> tuple[Floats, Floats]:
    """Return the weights of a block's scores in its means, and how a mean before it fades."""
    weight = 2 / (span + 1)
    fading = np.power(1.0 - weight, np.arange(_BLOCK + 1), dtype=np.float64)
    back = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)
    weights: Floats = np.where(back >= 0, weight * fading[np.maximum(back, 0)], 0).T
    weights.flags.writeable = fading.flags.writeable = False
    return weights, fading


def smoothed_both(scores: Floats, span: float) -> Floats:
    """Smooth forward, and the result backward: no delay, but steps see their future."""
    return smoothed(smoothed(scores, span)[::-1], span)[::-1]


def at_ends(scores: Floats, window: int) -> Floats:
    """Return scores of windows [T - window + 1] at each window's last step, [T].

    Steps before the first such step have its score.
    """
    return np.concatenate([np.full(window - 1, scores[0]), scores])


def over_windows(scores: Floats, window: int) -> Floats:
    """Return the mean score at each step, [T], of the windows [T - window + 1] that contain it."""
    total = np.concatenate([[0.0], np.cumsum(scores)])
    steps = np.arange(len(scores) + window - 1)
    first = np.maximum(steps - window + 1, 0)
    after = np.minimum(steps + 1, len(scores))
    found: Floats = (total[after] - total[first]) / (after - first)
    return found

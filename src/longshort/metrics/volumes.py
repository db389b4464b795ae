"""Volumes under the surface: ranking of anomalies by scores, tolerant of imprecise labels.

Paparrizos et al. (2022), "Volume under the surface". Labels get slopes: a step d ≤ w // 2 steps
from a labelled event counts as anomalous by sqrt(1 - d / w), and fully where the slopes of two
events meet. Recall is multiplied by the share of (merged, widened) events that are hit at all. The
area under the curve of precision over recall, or of recall over the false-positive rate, is
averaged over the widths w = 0, 1, …, window.

This is the "opt" version with 250 thresholds of the packages vus 0.0.6 and TSB-AD 1.5, whose
published VUS-PR takes the series' period as the window (`period.py`). Only the order of the scores
matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError
from longshort.metrics.detection import as_flags, events_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
THRESHOLDS = 250


class Volumes(NamedTuple):
    """Volumes under the precision-recall and the ROC surface, 0 to 1.

    Both are NaN if no step is labelled, or if all are.
    """

    pr: float
    roc: float


def vus_pr(labels: ArrayLike, scores: ArrayLike, window: int) -> float:
    """Return the volume under the precision-recall surface; see `volumes`."""
    return volumes(labels, scores, window).pr


def vus_roc(labels: ArrayLike, scores: ArrayLike, window: int) -> float:
    """Return the volume under the ROC surface; see `volumes`."""
    return volumes(labels, scores, window).roc


def volumes(
    labels: ArrayLike, scores: ArrayLike, window: int, thresholds: int = THRESHOLDS
) -> Volumes:
    """Return both volumes of scores [T] (higher is more anomalous) against labels [T] of 0 and 1.

    window: greatest width of the slopes, in steps. thresholds: number of thresholds, evenly spaced
    over the ranks of the scores. Raises `ArgumentError` for scores that are not finite.
    """
    truth = as_flags(labels, "labels")
    values = np.asarray(scores, dtype=float)
    if values.shape != truth.shape:
        raise ArgumentError(
            f"scores must be one a label, [{len(truth)}]; they have the shape {values.shape}"
        )
    if not np.isfinite(values).all():
        step = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ArgumentError(f"scores must be finite; step {step} has {values[step]}")
    if window < 0 or thresholds < 2:
        raise ArgumentError(
            f"window must be at least 0 and thresholds at least 2; they are {window}, {thresholds}"
        )
    if truth.all() or not truth.any():
        return Volumes(float("nan"), float("nan"))
    areas = np.array(list(_areas(truth, values, window, thresholds)))
    pr, roc = areas.mean(0).tolist()
    return Volumes(pr, roc)


def _areas(
    truth: NDArray[np.bool_], scores: Floats, window: int, thresholds: int
) -> Iterator[tuple[float, float]]:
    """Yield the areas under the precision-recall and the ROC curve at each width of the slopes."""
    steps = len(scores)
    places = np.linspace(0, steps - 1, thresholds).astype(int)
    cuts = np.sort(scores)[::-1][places]
    reached = np.searchsorted(-cuts, -scores)  # the first threshold at which a step is flagged

    def flagged_by(which: Ints, weights: Floats | None = None) -> Floats:
        """Return the number of steps, or the sum of their weights, up to each threshold."""
        return np.cumsum(np.bincount(which, weights, thresholds)).astype(float)

    first, stop = np.array(events_of(truth)).T
    near, distance, second = _distances(truth, first, stop, window // 2)
    flagged, inside = flagged_by(reached), flagged_by(reached[truth])
    labelled = float(truth.sum())
    for half in range(window // 2 + 1):
        hits = _first_hits(reached, first, stop, half, thresholds)
        existence = np.cumsum(np.bincount(hits, minlength=thresholds)) / len(hits)
        on_slope = distance <= half
        which = reached[near[on_slope]]
        for width in range(2 * half, min(2 * half + 1, window) + 1):
            slope = np.sqrt(1 - distance[on_slope] / max(width, 1))
            slope[second[on_slope] <= half] = 1.0
            credit = flagged_by(which, slope)
            true = inside + credit
            positives = labelled + credit / 2
            recall = existence * np.minimum(true / positives, 1)
            false = (flagged - true) / (steps - positives)
            pr = np.diff(recall, prepend=0) @ (true / flagged)
            sides = np.concatenate([[0], recall, [1]])
            widths = np.diff(false, prepend=0, append=1)
            yield float(pr), float(widths @ (sides[1:] + sides[:-1]) / 2)


def _distances(
    truth: NDArray[np.bool_], first: Ints, stop: Ints, reach: int
) -> tuple[Ints, Ints, Ints]:
    """Return the unlabelled steps at most `reach` from an event, with two distances for each.

    These are the distances from its nearest event and from the one that is second nearest.
    """
    free = np.flatnonzero(~truth)
    far = len(truth) + reach + 1
    lasts = np.concatenate([[-far, -far], stop - 1])
    nexts = np.concatenate([first, [2 * far, 2 * far]])
    passed = np.searchsorted(stop - 1, free)
    off = np.stack(
        [free - lasts[passed], free - lasts[passed + 1], nexts[passed] - free,
         nexts[passed + 1] - free]
    )  # fmt: skip
    off.sort(axis=0)
    near = off[0] <= reach
    return free[near], off[0, near], off[1, near]


def _first_hits(reached: Ints, first: Ints, stop: Ints, half: int, never: int) -> Ints:
    """Return the first threshold that hits each event, widened by `half` and merged with others."""
    apart = stop[:-1] - 1 + half < first[1:] - half
    begins = np.maximum(first[np.concatenate([[True], apart])] - half, 0)
    ends = np.minimum(stop[np.concatenate([apart, [True]])] + half, len(reached))
    bounds = np.stack([begins, ends], axis=1).ravel()
    hits: Ints = np.minimum.reduceat(np.append(reached, never), bounds)[::2]
    return hits

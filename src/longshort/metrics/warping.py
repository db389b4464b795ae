"""Nearest neighbours by dynamic time warping (Sakoe and Chiba, 1978)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_BLOCK = 256
"""Sequences that one sequence is compared with at once."""


def warped_distances(one: Floats, others: Sequence[Floats]) -> NDArray[np.float64]:
    """Return the distance of a sequence [T, F] to each of the others.

    It is the least sum of Euclid's distances on a path that keeps the order of both, divided by the
    number of their steps.
    """
    found = np.empty(len(others))
    order = np.argsort([len(each) for each in others], kind="stable")
    for begin in range(0, len(order), _BLOCK):
        chosen = order[begin : begin + _BLOCK]
        found[chosen] = _of_similar(one, [others[i] for i in chosen])
    return found


def _of_similar(one: Floats, others: Sequence[Floats]) -> NDArray[np.float64]:
    """Return the distances to others of similar length, which are padded to the longest."""
    lengths = np.array([len(each) for each in others])
    padded = np.zeros((lengths.max(), len(others), one.shape[1]), np.float32)
    for i, each in enumerate(others):
        padded[: len(each), i] = each
    sums = _path_sums(_skewed(_euclid(one, padded)))
    ends = sums[len(one) - 1 + lengths - 1, len(one) - 1, np.arange(len(others))]
    return np.asarray(ends / (len(one) + lengths), np.float64)


def _euclid(one: Floats, padded: Floats) -> Floats:
    """Return distances [T1, T2, N] of steps [T1, F] to steps [T2, N, F]."""
    products = np.einsum("tf,snf->tsn", one, padded, optimize=True)
    squares = np.square(one).sum(1)[:, None, None] + np.square(padded).sum(2) - 2 * products
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), np.float32)


def _skewed(costs: Floats) -> Floats:
    """Return costs [T1, T2, N] by diagonal, [T1 + T2 - 1, T1, N]: cell i, j is at [i + j, i]."""
    first, second, count = costs.shape
    found = np.full((first + second - 1, first, count), np.inf, np.float32)
    for i in range(first):
        found[i : i + second, i] = costs[i]
    return found


def _path_sums(costs: Floats) -> Floats:
    """Turn costs by diagonal into the least sums of paths to each cell, in place."""
    for k in range(1, len(costs)):
        before, best = costs[k - 1], costs[k - 1].copy()
        np.minimum(best[1:], before[:-1], out=best[1:])
        if k > 1:
            np.minimum(best[1:], costs[k - 2][:-1], out=best[1:])
        costs[k] += best
    return costs

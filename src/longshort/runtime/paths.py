"""The best path through scores of tags and of transitions (Viterbi, 1967)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


def best_path(
    scores: Floats, lengths: Ints, transitions: Floats, start: Floats, end: Floats
) -> Ints:
    """Return the tags [T, B] of each sequence's path with the highest score; -1 past its end.

    scores [T, B, K] of the tags; lengths [B]; transitions [K, K] from the row's tag to the
    column's; start, end [K]: scores of the first and last tag. Of paths with the same score the one
    with the lower numbers is taken, from the end on.
    """
    best = start + scores[0]
    stay = np.broadcast_to(np.arange(best.shape[1]), best.shape)
    origins = []
    for t in range(1, len(scores)):
        reached = best[:, :, None] + transitions
        origin = reached.argmax(1)
        moved = np.take_along_axis(reached, origin[:, None], 1)[:, 0] + scores[t]
        within = (t < lengths)[:, None]
        origins.append(np.where(within, origin, stay))
        best = np.where(within, moved, best)
    tag = (best + end).argmax(1)
    path = [tag]
    for origin in reversed(origins):
        tag = np.take_along_axis(origin, tag[:, None], 1)[:, 0]
        path.append(tag)
    inside = np.arange(len(scores))[:, None] < lengths
    return np.where(inside, np.stack(path[::-1]), -1)


def best_paths(
    scores: Floats, lengths: Ints, transitions: Floats, start: Floats, end: Floats
) -> list[list[int]]:
    """Return the tags of each sequence's best path as a list; arguments as of `best_path`."""
    rows = best_path(scores, lengths, transitions, start, end).T.tolist()
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]

"""The best paths through scores of tags and of transitions, as lists of tags."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.runtime.paths import best_path

Floats = NDArray[np.float64]


def best_paths(
    scores: Floats, lengths: NDArray[np.int64], transitions: Floats, start: Floats, end: Floats
) -> list[list[int]]:
    """Return the tags of each sequence's path with the highest score.

    The arguments are those of `longshort.runtime.paths.best_path`.
    """
    rows = best_path(scores, lengths, transitions, start, end).T.tolist()
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]

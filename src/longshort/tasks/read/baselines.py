"""Baselines of reading: no text, the most frequent one, and that of the nearest training line."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.tasks.read.encoder import LineArrays

_ROWS, _COLUMNS, _POINTS = 10, 80, 64
"""Size to which pictures are made equal, and number of points of strokes."""


def most_frequent(texts: list[str]) -> str:
    """Return the text of most lines, the first of equal ones."""
    return Counter(texts).most_common(1)[0][0]


def nearest(train: LineArrays, test: LineArrays) -> NDArray[np.int64]:
    """Return for each test line the number of the training line that looks most like it.

    Lines are squeezed to one size, and compared by the square of their differences.
    """
    known, new = (np.stack([_squeezed(each) for each in one.inputs]) for one in (train, test))
    squares = (known**2).sum(1)[None] - 2 * new @ known.T
    return np.asarray(squares.argmin(1))


def _squeezed(line: NDArray[Any]) -> NDArray[np.float32]:
    """Return a picture as rows × columns of means, or strokes as points at equal steps; flat."""
    if line.dtype == np.uint8:
        by_row = _means(line.astype(np.float32) / 255.0, _ROWS, 0)
        return _means(by_row, _COLUMNS, 1).ravel()
    places = np.linspace(0, len(line) - 1, _POINTS)
    along = np.arange(len(line))
    columns = [np.interp(places, along, line[:, axis]) for axis in (3, 4)]
    return np.concatenate(columns).astype(np.float32)


def _means(values: NDArray[np.float32], count: int, axis: int) -> NDArray[np.float32]:
    """Return means of `count` equal parts along an axis, by its integral."""
    whole = np.insert(np.cumsum(values, axis=axis), 0, 0.0, axis=axis)
    size = values.shape[axis]
    edges = np.linspace(0, size, count + 1)
    low = np.minimum(edges.astype(int), size - 1)
    share = (edges - low).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    at = whole.take(low, axis) * (1 - share) + whole.take(low + 1, axis) * share
    found: NDArray[np.float32] = (np.diff(at, axis=axis) * count / size).astype(np.float32)
    return found

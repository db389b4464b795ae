"""Selection of the largest values of each row, exactly ordered, without sorting whole rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

BLOCK = 128
"""Number of columns in a block, whose maximum is taken first."""

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


def top(values: Floats, k: int) -> tuple[Floats, Indices]:
    """Return the k largest values of each row of `values` [n, V] and their columns, both [n, k].

    They are ordered by value, and equal values by column, so that a row's result depends on that
    row alone. Raises `ArgumentError` if a row holds NaN.
    """
    width = values.shape[1]
    if not 1 <= k <= width:
        raise ArgumentError(f"k: a number from 1 to the {width} columns is expected, got {k!r}")
    maxima = np.maximum.reduceat(values, np.arange(0, width, BLOCK), axis=1)
    if np.isnan(maxima).any():
        row = int(np.isnan(maxima).any(1).argmax())
        raise ArgumentError(f"values: numbers are expected, got NaN in row {row}")
    columns = _sorted(values, k) if maxima.shape[1] <= k else _from_blocks(values, maxima, k)
    return np.take_along_axis(values, columns, 1), columns


def _sorted(values: Floats, k: int) -> Indices:
    return np.argsort(-values, axis=1, kind="stable")[:, :k]


def _from_blocks(values: Floats, maxima: Floats, k: int) -> Indices:
    """Return the columns of the k largest, which lie in the k blocks with the largest maxima.

    Each of these blocks has an element that precedes any element outside of them: a larger one, or
    an equal one in an earlier block. No value below the least of the k maxima can be among the k
    largest.
    """
    rows, width = values.shape
    blocks = _sorted(maxima, k)
    least = np.take_along_axis(maxima, blocks[:, -1:], 1)
    columns = (blocks[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(rows, k * BLOCK)
    held = np.take_along_axis(values, np.minimum(columns, width - 1), 1)
    found = np.flatnonzero((held >= least) & (columns < width))
    row, column, value = found // columns.shape[1], columns.ravel()[found], held.ravel()[found]
    order = np.lexsort((column, -value, row))
    first = np.searchsorted(row, np.arange(rows))
    return np.asarray(column[order[first[:, None] + np.arange(k)]])

"""Weights of inference in eight bits: whole numbers, and a scale for each row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Array = NDArray[Any]
MOST = 127
"""The largest whole number; the smallest is its negative."""


class Quantised(NamedTuple):
    """A matrix in eight bits; `widened` gives it back."""

    numbers: NDArray[np.int8]
    scales: NDArray[np.float32]


def quantised(matrix: Array) -> Quantised:
    """Return the whole numbers [rows, columns] and scales [rows] nearest to a matrix.

    A scale has at most 16 significant bits, so that its products with the numbers are exact in
    float32: a matrix that was widened is quantised to the same numbers and scales. Halves go to the
    even number. Raises `ArgumentError` for numbers that are not finite.
    """
    matrix = np.asarray(matrix, np.float32)
    if not np.isfinite(matrix).all():
        raise ArgumentError("int8 weights: some weights are infinite or not a number")
    scales = _short(np.abs(matrix).max(-1, initial=0) / np.float32(MOST))
    safe = np.where(scales > 0, scales, np.float32(1))
    numbers = np.clip(np.rint(matrix / safe[:, None]), -MOST, MOST)
    return Quantised(numbers.astype(np.int8), scales)


def _short(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the next numbers up with 16 significant bits."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + np.uint32(0xFF)) & np.uint32(0xFFFFFF00)).view(np.float32)


def widened(weights: Quantised) -> NDArray[np.float32]:
    """Return the matrix that int8 weights stand for."""
    return weights.numbers.astype(np.float32) * weights.scales[:, None]

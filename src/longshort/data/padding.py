"""Padding of sequences of different lengths to one NumPy array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST_STEPS = 1 << 17
"""Largest number of steps in a batch with padding; the backward pass needs gigabytes for them."""


def pad_numbers(sequences: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Return token numbers [T, B], padded with 0, and lengths [B]; an empty sequence is one 0."""
    lengths = [max(1, len(sequence)) for sequence in sequences]
    padded = np.zeros((max(lengths), len(sequences)), dtype=np.int64)
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    return padded, np.array(lengths, dtype=np.int64)


def pad_arrays(sequences: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], Ints]:
    """Return arrays [T, F] as one [T, B, F], padded with 0, and lengths [B]."""
    lengths = [len(sequence) for sequence in sequences]
    padded = np.zeros((max(lengths), len(sequences), sequences[0].shape[1]), dtype=np.float32)
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    return padded, np.array(lengths, dtype=np.int64)

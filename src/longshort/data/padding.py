"""Sequences of different lengths as one array, filled up with zeros; in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST_STEPS = 1 << 17
"""Steps of a batch, padding too: the backward pass of a usual network takes gigabytes for them."""


def pad_numbers(sequences: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Token numbers [T, B], 0 behind the end, and lengths [B]; an empty sequence is one 0."""
    lengths = [max(1, len(sequence)) for sequence in sequences]
    padded = np.zeros((max(lengths), len(sequences)), dtype=np.int64)
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    return padded, np.array(lengths, dtype=np.int64)


def pad_arrays(sequences: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], Ints]:
    """Arrays [T, F] as one [T, B, F], 0 behind the end, and lengths [B]."""
    lengths = [len(sequence) for sequence in sequences]
    padded = np.zeros((max(lengths), len(sequences), sequences[0].shape[1]), dtype=np.float32)
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    return padded, np.array(lengths, dtype=np.int64)

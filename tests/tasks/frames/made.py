"""Clips that tests make: a square that moves by a known step, and goes on at the other side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def squares(
    count: int, steps: int = 8, size: int = 12, side: int = 3, seed: int = 0
) -> NDArray[np.uint8]:
    """Clips [count, steps, size, size] of a square that moves one row and one column a frame."""
    draw = np.random.default_rng(seed)
    clips = np.zeros((count, steps, size, size), np.uint8)
    for clip, (y, x) in zip(clips, draw.integers(0, size, (count, 2)).tolist(), strict=True):
        for t, frame in enumerate(clip):
            frame[np.ix_((y + t + np.arange(side)) % size, (x + t + np.arange(side)) % size)] = 255
    return clips

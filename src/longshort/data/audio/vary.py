"""Variation of recordings for training: speed, and masks over time and features. All seeded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import VariedSettings

Floats = NDArray[np.float32]


def masked(features: Floats, settings: VariedSettings, draw: np.random.Generator) -> Floats:
    """Return features [T, F] with stretches of time and ranges of features set to 0, their mean.

    Widths and places are drawn uniformly, a width up to its share. Source: Park et al., SpecAugment
    (2019); slopes are masked by themselves.
    """
    found = features.copy()
    steps, width = features.shape
    for _ in range(settings.time_masks):
        found[_stretch(steps, settings.time_share, draw)] = 0.0
    for _ in range(settings.band_masks):
        found[:, _stretch(width, settings.band_share, draw)] = 0.0
    return found


def _stretch(size: int, share: float, draw: np.random.Generator) -> slice:
    length = int(draw.integers(0, int(share * size) + 1))
    begin = int(draw.integers(0, size - length + 1))
    return slice(begin, begin + length)

"""Masks cover what they may, and come from the seed."""

from __future__ import annotations

import numpy as np

from longshort.config.audio import VariedSettings
from longshort.data.audio.vary import masked

X = np.ones((50, 20), np.float32)


def test_masks_are_whole_stretches_within_their_share() -> None:
    only_time = VariedSettings(time_masks=1, time_share=0.2, band_masks=0)
    only_bands = VariedSettings(time_masks=0, band_masks=1, band_share=0.5)
    draw = np.random.default_rng(0)
    for _ in range(50):
        by_time, by_band = masked(X, only_time, draw), masked(X, only_bands, draw)
        gone = (by_time == 0).all(1)
        assert gone.sum() <= 10 and np.array_equal(by_time == 0, np.repeat(gone[:, None], 20, 1))
        assert np.abs(np.diff(gone.astype(int), prepend=0, append=0)).sum() in (0, 2)
        assert (by_band == 0).all(0).sum() <= 10


def test_a_seed_is_a_mask_and_the_features_stay() -> None:
    one, two = (masked(X, VariedSettings(), np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two) and (one == 0).any() and (X == 1).all()
    other = masked(X, VariedSettings(), np.random.default_rng(8))
    assert not np.array_equal(one, other)

"""Pictures of recordings."""

from __future__ import annotations

import numpy as np

from longshort.report.sound import Spectrogram, spectrograms


def test_spectrograms_stand_side_by_side_with_their_titles() -> None:
    draw = np.random.default_rng(0)
    shown = [Spectrogram(f"word {i}", draw.normal(size=(20, 8)), 0.01) for i in range(4)]
    figure = spectrograms(shown)
    seen = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in seen] == [f"word {i}" for i in range(4)]
    assert seen[0].images[0].get_extent() == [0.0, 0.2, 0, 8]

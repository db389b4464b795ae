"""Names of frames and features of recordings."""

from __future__ import annotations

import numpy as np

from longshort.config.audio import AudioSettings
from longshort.data.audio.mel import mel_filters
from longshort.runs.sound_names import feature_names, frame_names


def test_a_band_is_named_by_the_frequency_where_its_filter_is_highest() -> None:
    settings = AudioSettings(bands=10, scale="slaney")
    names = feature_names(settings, 16_000, 10)
    filters = mel_filters(10, 1 << 15, 16_000, settings.low, 8000.0, "slaney")
    tops = filters.argmax(1) * 16_000 / (1 << 15)
    named = [float(name.removesuffix(" Hz").replace(",", "")) for name in names]
    np.testing.assert_allclose(named, tops, atol=1.0)


def test_coefficients_and_slopes_have_names_and_given_features_numbers() -> None:
    settings = AudioSettings(features="mfcc", coefficients=2, deltas=1)
    assert feature_names(settings, 8000, 4) == ["c0", "c1", "slope of c0", "slope of c1"]
    assert feature_names(settings, None, 2) == ["feature 1", "feature 2"]
    assert frame_names(3, settings, 8000) == ["0.00 s", "0.01 s", "0.02 s"]
    assert frame_names(3, settings, None) == ["1", "2", "3"]

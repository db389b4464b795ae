"""Resampled tones are tones; speed changes length and pitch."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.data.audio.resample import at_speed, resampled
from tests.data.audio.sounds import clip, noise, tone


@pytest.mark.parametrize(("before", "after"), [
    (8000, 16_000), (16_000, 8000), (44_100, 16_000), (16_000, 44_100), (48_000, 16_000),
    (22_050, 8000),
])  # fmt: skip
@pytest.mark.parametrize("hertz", [100.0, 1000.0, 3000.0])
def test_a_tone_stays_a_tone(before: int, after: int, hertz: float) -> None:
    found = resampled(tone(hertz, 0.2, before), before, after)
    expected = tone(hertz, 0.2, after)
    assert len(found) == -(-round(0.2 * before) * after // before)
    inside = slice(after // 50, len(expected) - after // 50)
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-3)


def test_what_the_lower_rate_cannot_hold_is_damped() -> None:
    found = resampled(tone(5000, 0.2, 16_000), 16_000, 8000)
    assert np.abs(found[100:-100]).max() < 1e-3


@pytest.mark.parametrize("speed", [0.9, 1.0, 1.1])
def test_speed_changes_length_and_pitch(speed: float) -> None:
    before = clip(tone(440, 0.5, 16_000))
    found = at_speed(before, speed)
    assert found.rate == 16_000
    assert len(found.samples) == pytest.approx(8000 / speed, abs=1)
    spectrum = np.abs(np.fft.rfft(found.samples))
    assert np.argmax(spectrum) * 16_000 / len(found.samples) == pytest.approx(440 * speed, abs=3)


def test_the_same_rate_is_the_same_sound() -> None:
    x = noise()
    assert resampled(x, 8000, 8000) is x


def test_one_sample_can_be_resampled() -> None:
    assert len(resampled(np.ones(1, np.float32), 8000, 16_000)) == 2

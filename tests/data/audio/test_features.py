"""Features against kaldi-native-fbank, and by hand."""

from __future__ import annotations

from typing import Any

import kaldi_native_fbank as knf
import numpy as np
import pytest

from longshort.config.audio import AudioSettings
from longshort.data.audio.features import features_of, steps_of, with_slopes
from longshort.data.audio.mel import hertz_of, mel_of
from longshort.data.audio.normalise import Scales, normalised
from longshort.errors import ConfigError, DataError
from tests.data.audio.sounds import clip, noise

PLAIN = AudioSettings(normalise="none")


def frames(options: Any, settings: AudioSettings, rate: int) -> None:
    options.frame_opts.samp_freq = rate
    options.frame_opts.dither = 0
    # its "hann" is periodic, and "hanning" is symmetric as Kaldi's and ours are
    options.frame_opts.window_type = settings.window.replace("hann", "hanning")
    options.frame_opts.preemph_coeff = settings.emphasis
    options.frame_opts.frame_length_ms = settings.frame
    options.frame_opts.frame_shift_ms = settings.hop
    options.mel_opts.num_bins = settings.bands
    options.mel_opts.low_freq = settings.low
    options.mel_opts.high_freq = settings.high or 0
    options.mel_opts.is_librosa = settings.scale == "slaney"


def of_oracle(online: Any, samples: Any, rate: int) -> Any:
    online.accept_waveform(rate, samples.tolist())
    online.input_finished()
    return np.stack([online.get_frame(i) for i in range(online.num_frames_ready)])


def mel_oracle(samples: Any, settings: AudioSettings, rate: int) -> Any:
    options = knf.FbankOptions()
    frames(options, settings, rate)
    options.energy_floor = 0
    return of_oracle(knf.OnlineFbank(options), samples, rate)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
@pytest.mark.parametrize("window", ["povey", "hann", "hamming"])
@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_log_mel_is_kaldis(rate: int, window: str, scale: str) -> None:
    settings = PLAIN.model_copy(update={"window": window, "scale": scale})
    samples = noise(0.3, rate)
    expected = mel_oracle(samples, settings, rate)
    np.testing.assert_allclose(features_of(clip(samples, rate), settings), expected, atol=1e-3)


@pytest.mark.parametrize("changes", [
    {"bands": 23}, {"bands": 80, "low": 60.0}, {"high": 7600.0}, {"emphasis": 0.0},
    {"frame": 32.0, "hop": 8.0},
])  # fmt: skip
def test_options_of_log_mel_are_kaldis(changes: dict[str, Any]) -> None:
    settings = PLAIN.model_copy(update=changes)
    samples = noise(0.3)
    expected = mel_oracle(samples, settings, 16_000)
    np.testing.assert_allclose(features_of(clip(samples), settings), expected, atol=1e-3)


def test_mfcc_are_kaldis() -> None:
    settings = PLAIN.model_copy(update={"features": "mfcc", "bands": 23})
    options = knf.MfccOptions()
    frames(options, settings, 16_000)
    options.num_ceps, options.use_energy = 13, False
    samples = noise(0.4)
    expected = of_oracle(knf.OnlineMfcc(options), samples, 16_000)
    np.testing.assert_allclose(features_of(clip(samples), settings), expected, atol=2e-3)


def test_scales_of_mel_are_inverted_and_known() -> None:
    hertz = np.array([0.0, 500.0, 1000.0, 6400.0])
    np.testing.assert_allclose(mel_of(hertz, "slaney"), [0.0, 7.5, 15.0, 42.0], atol=1e-9)
    np.testing.assert_allclose(mel_of(np.array([1000.0]), "htk"), [999.99], atol=0.1)
    for scale in ("htk", "slaney"):
        np.testing.assert_allclose(hertz_of(mel_of(hertz, scale), scale), hertz, atol=1e-9)


def test_slopes_of_a_line_are_its_slope() -> None:
    line = np.arange(9, dtype=np.float32)[:, None] * np.array([1.0, -2.0], np.float32)
    found = with_slopes(line, 2)
    assert found.shape == (9, 6)
    np.testing.assert_allclose(found[2:-2, 2:4], np.tile([1.0, -2.0], (5, 1)), atol=1e-6)
    np.testing.assert_allclose(found[4, 4:], [0.0, 0.0], atol=1e-6)


def test_recordings_are_normalised() -> None:
    x = features_of(clip(noise(2.0)), PLAIN)
    np.testing.assert_allclose(normalised(x, "mean").mean(0), 0, atol=1e-4)
    both = normalised(x, "both")
    np.testing.assert_allclose(both.std(0), 1, atol=1e-4)
    assert normalised(x, "none") is x


def test_scales_are_those_of_all_frames() -> None:
    parts = [features_of(clip(noise(length, seed=i)), PLAIN) for i, length in enumerate((0.5, 1))]
    scales = Scales.fit(parts)
    whole = np.concatenate([scales.apply(each) for each in parts])
    np.testing.assert_allclose(whole.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(whole.std(0), 1, atol=1e-4)
    again = Scales.from_dict(scales.to_dict())
    assert np.array_equal(again.apply(parts[0]), scales.apply(parts[0]))


@pytest.mark.parametrize("samples", [400, 401, 559, 560, 8000])
def test_the_number_of_frames_is_known(samples: int) -> None:
    found = features_of(clip(noise(samples / 16_000)), PLAIN)
    assert len(found) == steps_of(samples / 16_000, PLAIN) == 1 + (samples - 400) // 160


def test_less_than_a_frame_is_refused() -> None:
    with pytest.raises(DataError, match=r"a\.wav: lasts 20 ms, less than one frame of 25 ms"):
        features_of(clip(noise(0.02)), PLAIN)


def test_frequencies_that_a_recording_has_not_are_refused() -> None:
    settings = PLAIN.model_copy(update={"high": 7000.0})
    with pytest.raises(ConfigError, match="20 to 7000 Hz are asked for, and recordings of 8,000"):
        features_of(clip(noise(0.3, 8000), 8000), settings)


def test_more_cepstra_than_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="coefficients = 41 are more than the 40 bands"):
        AudioSettings(features="mfcc", coefficients=41)


def test_the_width_is_that_of_the_features() -> None:
    settings = AudioSettings(features="mfcc", coefficients=20, deltas=2)
    assert features_of(clip(noise()), settings).shape[1] == settings.width == 60

"""Features of the short-time spectrum: log mel energies, MFCC and their slopes.

Frames, windows and filters are Kaldi's (Povey et al., 2011), with `snip_edges`, `remove_dc_offset`
and without dither. Samples go from -1 to 1, where Kaldi's go from -32768 to 32767: its log energies
are larger by 2 ln 32768 = 20.79.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import AudioSettings
from longshort.data.audio.clip import Clip
from longshort.data.audio.mel import mel_filters
from longshort.data.audio.normalise import normalised
from longshort.errors import ConfigError, DataError

Floats = NDArray[np.float32]
LEAST = 1e-10
"""Least energy whose logarithm is taken."""
_DECIBELS = 10 / np.log(10)
"""Decibels of a natural logarithm of energy."""
_LIFTER = 22.0
_SLOPE = 2
"""Frames on each side from which a slope is estimated."""


def features_of(clip: Clip, settings: AudioSettings) -> Floats:
    """Return the features of a recording, [frames, settings.width].

    Raises `DataError` for a recording shorter than a frame, `ConfigError` for frequencies above
    half of its rate.
    """
    energies = _heard(log_mel(clip, settings), settings)
    found = energies if settings.features == "mel" else _cepstra(energies, settings.coefficients)
    return with_slopes(normalised(found, settings.normalise), settings.deltas)


def _heard(energies: Floats, settings: AudioSettings) -> Floats:
    """Return log energies without quiet frames at both ends, and without quiet noise."""
    if settings.trim is not None:
        loudness = np.logaddexp.reduce(energies, 1)
        loud = np.flatnonzero(loudness >= loudness.max() - settings.trim / _DECIBELS)
        energies = energies[loud[0] : loud[-1] + 1]
    if settings.span is not None:
        energies = np.maximum(energies, energies.max() - np.float32(settings.span / _DECIBELS))
    return energies


def log_mel(clip: Clip, settings: AudioSettings) -> Floats:
    """Return natural logarithms of the power in mel bands, [frames, bands]."""
    power = power_spectrum(clip, settings)
    high = clip.rate / 2 if settings.high is None else settings.high
    if high > clip.rate / 2 or settings.low >= high:
        raise ConfigError(
            f"audio.low and audio.high: {settings.low:g} to {high:g} Hz are asked for, and "
            f"recordings of {clip.rate:,} Hz hold up to {clip.rate / 2:g} Hz ({clip.place})"
        )
    size = 2 * (power.shape[1] - 1)
    filters = mel_filters(settings.bands, size, clip.rate, settings.low, high, settings.scale)
    return np.asarray(np.log(np.maximum(power @ filters.T, LEAST)), np.float32)


def power_spectrum(clip: Clip, settings: AudioSettings) -> Floats:
    """Return the power of each frame, [frames, size // 2 + 1]; size is a power of two."""
    length = round(settings.frame * clip.rate / 1000)
    step = max(1, round(settings.hop * clip.rate / 1000))
    if len(clip.samples) < length:
        raise DataError(
            f"{clip.place}: lasts {1000 * clip.seconds:.0f} ms, less than one frame of "
            f"{settings.frame:g} ms; leave it out, or lower audio.frame"
        )
    frames = np.lib.stride_tricks.sliding_window_view(clip.samples, length)[::step]
    frames = frames - frames.mean(1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], 1)
    windowed = (frames - settings.emphasis * before) * _window(settings.window, length)
    spectrum = np.fft.rfft(windowed, 1 << (length - 1).bit_length())
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def steps_of(seconds: float, settings: AudioSettings) -> int:
    """Return the number of frames of a recording of this length."""
    return max(0, 1 + int((1000 * seconds - settings.frame) // settings.hop))


@lru_cache(maxsize=16)
def _window(kind: str, length: int) -> Floats:
    turn = 2 * np.pi * np.arange(length) / (length - 1)
    if kind == "hamming":
        return np.asarray(0.54 - 0.46 * np.cos(turn), np.float32)
    hann = 0.5 - 0.5 * np.cos(turn)
    return np.asarray(hann**0.85 if kind == "povey" else hann, np.float32)


def _cepstra(energies: Floats, count: int) -> Floats:
    """Return the first MFCC of log energies, liftered; the first is c0."""
    return np.asarray(energies @ _cosines(energies.shape[1], count), np.float32)


@lru_cache(maxsize=16)
def _cosines(bands: int, count: int) -> Floats:
    """Return the orthonormal cosine transform with Kaldi's lifter, [bands, count]."""
    orders = np.arange(count)
    turns = np.pi / bands * (np.arange(bands)[:, None] + 0.5) * orders
    basis = np.cos(turns) * np.where(orders == 0, np.sqrt(1 / bands), np.sqrt(2 / bands))
    lifter = 1 + 0.5 * _LIFTER * np.sin(np.pi * orders / _LIFTER)
    return np.asarray(basis * lifter, np.float32)


def with_slopes(features: Floats, orders: int) -> Floats:
    """Return features [T, F] beside their slopes, and those of the slopes: [T, F · (1 + orders)].

    A slope is the regression over two frames on each side, Σ n (x[t+n] - x[t-n]) / 10, the first
    and last frame being repeated (HTK book, 5.9).
    """
    parts = [features]
    for _ in range(orders):
        parts.append(_slopes(parts[-1]))
    return np.concatenate(parts, 1)


def _slopes(x: Floats) -> Floats:
    padded = np.pad(x, ((_SLOPE, _SLOPE), (0, 0)), mode="edge")
    steps = range(1, _SLOPE + 1)
    found = sum(
        n * (padded[_SLOPE + n :][: len(x)] - padded[_SLOPE - n :][: len(x)]) for n in steps
    )
    return np.asarray(found / (2 * sum(n * n for n in steps)), np.float32)

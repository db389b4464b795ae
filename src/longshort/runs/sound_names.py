"""Names of the frames and features of recordings, as people read them."""

from __future__ import annotations

import numpy as np

from longshort.config.audio import AudioSettings
from longshort.data.audio.mel import hertz_of, mel_of


def frame_names(count: int, settings: AudioSettings, rate: int | None) -> list[str]:
    """Return the begin of each frame in seconds; its number where features were given as such.

    rate: samples a second of the recordings, None for features that were given.
    """
    if rate is None:
        return [str(number + 1) for number in range(count)]
    return [f"{number * settings.hop / 1000:.2f} s" for number in range(count)]


def feature_names(settings: AudioSettings, rate: int | None, count: int) -> list[str]:
    """Return the names of so many features of a frame, numbers where they were given as such.

    Mel bands have the name of their middle frequency. rate: samples a second of the recordings,
    None for features that were given.
    """
    names = [] if rate is None else _of_orders(_single(settings, rate), settings.deltas)
    return names if len(names) == count else [f"feature {n + 1}" for n in range(count)]


def _single(settings: AudioSettings, rate: int) -> list[str]:
    if settings.features == "mfcc":
        return [f"c{number}" for number in range(settings.coefficients)]
    ends = np.array([settings.low, rate / 2 if settings.high is None else settings.high])
    low, high = mel_of(ends, settings.scale).tolist()
    mel = np.linspace(low, high, settings.bands + 2)[1:-1]
    return [f"{hertz:,.0f} Hz" for hertz in hertz_of(mel, settings.scale).tolist()]


def _of_orders(names: list[str], orders: int) -> list[str]:
    """Return names of features, of their slopes, and of the slopes of these."""
    before = ("", "slope of ", "second slope of ")[: orders + 1]
    return [f"{word}{name}" for word in before for name in names]

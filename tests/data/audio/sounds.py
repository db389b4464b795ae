"""Recordings for tests, made of noise and tones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.data.audio.clip import Clip
from longshort.data.audio.wav import write_wav


def noise(seconds: float = 0.5, rate: int = 16_000, seed: int = 0) -> NDArray[np.float32]:
    """Noise of deviation 0.1, in float32."""
    draw = np.random.default_rng(seed)
    return draw.normal(scale=0.1, size=round(seconds * rate)).astype(np.float32)


def tone(hertz: float, seconds: float, rate: int) -> NDArray[np.float32]:
    """A sine of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def clip(samples: NDArray[np.float32], rate: int = 16_000) -> Clip:
    return Clip(samples, rate, "a.wav")


def save(path: Path, samples: NDArray[np.float32] | None = None, rate: int = 16_000) -> Path:
    """Write a WAV file, of noise where no samples are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_wav(noise(rate=rate) if samples is None else samples, rate))
    return path

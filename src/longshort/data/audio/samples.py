"""Recordings as labelled samples: features of the frames, and where the recordings lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import AudioSettings
from longshort.data.audio.clip import Clip
from longshort.data.audio.features import features_of
from longshort.data.audio.files import read_clip
from longshort.data.audio.resample import at_speed

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sounds:
    """Files of recordings, and the rate at which they are read; the samples are not kept."""

    files: tuple[Path, ...]
    rate: int

    def take(self, indices: Iterable[int]) -> Sounds:
        """Return the files with these numbers, in this order."""
        return Sounds(tuple(self.files[i] for i in indices), self.rate)

    def clips(self) -> Iterable[Clip]:
        """Read one recording after the other."""
        return (read_clip(file, self.rate) for file in self.files)

    def features(self, settings: AudioSettings, speed: float = 1.0) -> list[Floats]:
        """Return the features [T, F] of all recordings, played at this speed."""
        return [features_of(_played(clip, speed), settings) for clip in self.clips()]


def _played(clip: Clip, speed: float) -> Clip:
    return clip if speed == 1.0 else at_speed(clip, speed)

"""A recording in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_FULL_SCALE = 0.999
"""Absolute value from which a sample counts as clipped."""
_SILENT = 1e-4
"""Largest absolute value of a silent recording, -80 dB of full scale."""


@dataclass(frozen=True)
class Clip:
    """A recording of one channel.

    samples [n]: from -1 to 1. rate: samples a second. place: the file, for people. channels, found:
    channels and rate of the file; several channels were averaged.
    """

    samples: Samples
    rate: int
    place: str
    channels: int = 1
    found: int = 0

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    @property
    def own_rate(self) -> int:
        """Rate of the file, before resampling."""
        return self.found or self.rate

    @property
    def clipped(self) -> float:
        """Share of the samples at full scale."""
        return float(np.mean(np.abs(self.samples) >= _FULL_SCALE))

    @property
    def is_silent(self) -> bool:
        """Whether no sample is louder than -80 dB."""
        return not len(self.samples) or float(np.abs(self.samples).max()) < _SILENT

    def with_samples(self, samples: Samples, rate: int | None = None) -> Clip:
        """Return the recording with other samples, at another rate if one is given."""
        return replace(self, samples=samples, rate=rate or self.rate, found=self.own_rate)


def mixed(samples: NDArray[np.float32]) -> Samples:
    """Return the mean of the channels of samples [n, channels]."""
    found: Samples = samples[:, 0] if samples.shape[1] == 1 else samples.mean(1)
    return np.ascontiguousarray(found, dtype=np.float32)

"""Normalisation of features (CMVN): per recording, or by scales of the training split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_LEAST = 1e-3
"""Least deviation that is divided by."""


def normalised(features: Floats, how: str) -> Floats:
    """Return features [T, F] less their mean over time, and with "both" over their deviation."""
    if how == "none":
        return features
    centred = features - features.mean(0)
    if how == "both":
        centred = centred / np.maximum(centred.std(0), _LEAST)
    return np.asarray(centred, np.float32)


@dataclass(frozen=True)
class Scales:
    """Mean and deviation of each feature over the frames of a training split, [F]."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @staticmethod
    def fit(recordings: Sequence[Floats]) -> Scales:
        """Fit on the features [T, F] of recordings."""
        count = sum(map(len, recordings))
        mean = sum(each.sum(0, dtype=np.float64) for each in recordings) / count
        squares = sum(np.square(each - mean).sum(0) for each in recordings) / count
        return Scales(np.asarray(mean), np.maximum(np.sqrt(squares), _LEAST))

    def apply(self, features: Floats) -> Floats:
        """Return standardised features."""
        return np.asarray((features - self.mean) / self.deviation, np.float32)

    def to_dict(self) -> dict[str, list[float]]:
        """Return plain values for JSON."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Scales:
        """Return the scales that `to_dict` wrote."""
        return Scales(np.array(stored["mean"]), np.array(stored["deviation"]))

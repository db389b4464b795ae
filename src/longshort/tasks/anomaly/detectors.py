from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Detector:
    title: str
    score: Callable[..., np.ndarray]


def dev(x, n, w):
    m = np.median(x[:n], 0)
    s = np.median(np.abs(x[:n] - m), 0) + 1e-9
    return (np.abs(x - m) / s).max(1)


def diff(x, n, w):
    return np.abs(np.diff(x, axis=0, prepend=x[:1])).max(1)


DETECTORS = {
    "deviation": Detector("the deviation from the median", dev),
    "difference": Detector("the step from the last value", diff),
}

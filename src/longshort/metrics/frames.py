"""Errors of forecast frames: sums and means over pixels, SSIM, PSNR, and hits of events.

Letters: N clips, T frames, Y rows, X columns, C channels. Values are from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Frames = NDArray[np.float32]

WINDOW, SIGMA = 11, 1.5
"""Side and deviation of SSIM's Gaussian window, in pixels (Wang et al., 2004)."""
_C1, _C2 = 0.01**2, 0.03**2
_HIGHEST = 100.0
"""PSNR of frames without an error, in dB."""
_TOGETHER = 64


def squared(truth: Frames, frames: Frames) -> Floats:
    """Return the squared errors [N, T], summed over the pixels of a frame (OpenSTL's MSE)."""
    return _by_frame(truth, frames, np.square)


def absolute(truth: Frames, frames: Frames) -> Floats:
    """Return the absolute errors [N, T], summed over the pixels of a frame (OpenSTL's MAE)."""
    return _by_frame(truth, frames, np.abs)


def psnr(squared_errors: Floats, pixels: int) -> Floats:
    """Return the peak signal-to-noise ratio in dB of summed squared errors, at most 100."""
    mean = np.maximum(squared_errors / pixels, 10 ** (-_HIGHEST / 10))
    found: Floats = -10 * np.log10(mean)
    return found


def ssim(truth: Frames, frames: Frames) -> Floats:
    """Return the structural similarity [N, T] of frames [N, T, Y, X, C] (Wang et al., 2004).

    The window is Gaussian, 11 pixels wide with deviation 1.5, or as wide as smaller frames; only
    windows within the frame count, and channels are averaged. The range of values is 1.
    """
    found = np.empty(truth.shape[:2])
    for rows, a, b in _parts(truth, frames):
        found[rows] = _similarity(a, b).mean((2, 3, 4), dtype=np.float64)
    return found


def _similarity(truth: Frames, frames: Frames) -> Frames:
    mean_a, mean_b = _blurred(truth), _blurred(frames)
    var_a = _blurred(truth * truth) - mean_a**2
    var_b = _blurred(frames * frames) - mean_b**2
    shared = _blurred(truth * frames) - mean_a * mean_b
    above = (2 * mean_a * mean_b + _C1) * (2 * shared + _C2)
    below = (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    return np.asarray(above / below, dtype=np.float32)


def _blurred(values: Frames) -> Frames:
    """Return weighted means of all windows within frames [N, T, Y, X, C]."""
    return _along(_along(values, 2), 3)


def _along(values: Frames, axis: int) -> Frames:
    size = values.shape[axis]
    weights = _weights(size)
    found: Any = 0.0
    for begin, weight in enumerate(weights):
        part = [slice(None)] * values.ndim
        part[axis] = slice(begin, size - len(weights) + 1 + begin)
        found = found + weight * values[tuple(part)]
    return np.asarray(found, np.float32)


@lru_cache(maxsize=8)
def _weights(size: int) -> tuple[np.float32, ...]:
    """Return the Gaussian's weights, of an odd number of pixels that fits a side of this size."""
    width = min(WINDOW, size - (1 - size % 2))
    away = np.arange(width) - (width - 1) / 2
    window = np.exp(-(away**2) / (2 * SIGMA**2))
    return tuple((window / window.sum()).astype(np.float32))


def hits(truth: Frames, frames: Frames, threshold: float) -> NDArray[np.int64]:
    """Return pixels [T, 3] above a threshold: in both, in the truth alone, forecast alone."""
    found = np.zeros((truth.shape[1], 3), np.int64)
    for _, a, b in _parts(truth, frames):
        there, said = a > threshold, b > threshold
        cases = (there & said, there & ~said, ~there & said)
        found += np.stack([case.sum((0, 2, 3, 4)) for case in cases], 1)
    return found


def csi(counts: NDArray[np.int64]) -> list[float | None]:
    """Return the critical success index by frame of `hits`; None without any event."""
    return [int(row[0]) / int(row.sum()) if row.sum() else None for row in counts]


def _by_frame(truth: Frames, frames: Frames, measure: np.ufunc) -> Floats:
    found = np.empty(truth.shape[:2])
    for rows, a, b in _parts(truth, frames):
        found[rows] = measure(a - b).sum((2, 3, 4), dtype=np.float64)
    return found


def _parts(truth: Frames, frames: Frames) -> Iterator[tuple[slice, Frames, Frames]]:
    """Yield a few clips at a time, so that results in between stay small."""
    for begin in range(0, len(truth), _TOGETHER):
        rows = slice(begin, begin + _TOGETHER)
        yield rows, truth[rows], frames[rows]

"""The motion of a whole frame: one vector, by phase correlation (Kuglin & Hines, 1975)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_FAINT = 0.01
"""Share of the strongest wave below which the phases of waves are mostly noise."""


def motion(frames: Floats) -> tuple[float, float]:
    """Return rows and columns that frames [T, Y, X, C] move on by from one to the next.

    The phases of all pairs are averaged; the peak is refined by a parabola.
    """
    if len(frames) < 2:
        return 0.0, 0.0
    rows, columns = frames.shape[1:3]
    taper = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1])
    grey = frames.mean(-1)
    waves = np.fft.rfft2((grey - grey.mean((1, 2), keepdims=True)) * taper)
    cross = waves[1:] * waves[:-1].conj()
    size = np.abs(cross)
    phases = (cross / (size + _FAINT * size.max() + 1e-9)).mean(0)
    peaks = np.fft.irfft2(phases, (rows, columns))
    row, column = np.unravel_index(int(peaks.argmax()), peaks.shape)
    if not peaks.max() > 0:
        return 0.0, 0.0
    return _refined(peaks[:, column], int(row)), _refined(peaks[row], int(column))


def moved(frame: Floats, rows: float, columns: float) -> Floats:
    """Return a frame [Y, X, C] moved on, with straight lines between pixels and 0 from outside."""
    return _along(_along(frame, rows, 0), columns, 1)


def carried(frame: Floats, motion: tuple[float, float], count: int) -> Floats:
    """Return the frames that follow a frame [Y, X, C] which goes on moving, [count, Y, X, C]."""
    rows, columns = motion
    steps = range(1, count + 1)
    return np.stack([moved(frame, step * rows, step * columns) for step in steps])


def _refined(peaks: NDArray[np.float64], place: int) -> float:
    """Return the place of a peak between its neighbours; past the middle it is a step back."""
    size = len(peaks)
    before, here, after = (float(peaks[(place + step) % size]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return (place if place <= size // 2 else place - size) + shift


def _along(frame: Floats, shift: float, axis: int) -> Floats:
    """Return a frame moved along one axis."""
    whole = int(np.floor(shift))
    share = np.float32(shift - whole)
    near = _whole(frame, whole, axis)
    if share == 0:
        return near
    found: Floats = (1 - share) * near + share * _whole(frame, whole + 1, axis)
    return found


def _whole(frame: Floats, shift: int, axis: int) -> Floats:
    found = np.zeros_like(frame)
    size = frame.shape[axis]
    if abs(shift) < size:
        into, out = [slice(None)] * 3, [slice(None)] * 3
        into[axis] = slice(max(shift, 0), size + min(shift, 0))
        out[axis] = slice(max(-shift, 0), size - max(shift, 0))
        found[tuple(into)] = frame[tuple(out)]
    return found

"""Resampling of pen strokes, and normalising of their size and slant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.config.strokes import Size
from longshort.data.strokes.ink import Ink
from longshort.errors import DataError

Array = NDArray[np.float64]
MOST_POINTS = 100_000
"""Largest number of points of a sample after resampling."""
_STEEPEST = 1.0
"""Largest shear that is taken for slant: that of 45 degrees."""


def resample(ink: Ink, step: float) -> Ink:
    """Return points at a constant distance along each stroke; its ends stay where they are.

    step: the distance, which is rounded so that it divides the length of the stroke; shorter
    strokes keep their two ends, and strokes without length a single point. Raises `DataError` if
    there were far too many.
    """
    strokes = ink.strokes
    lengths = [np.append(0.0, np.cumsum(_distances(stroke))) for stroke in strokes]
    counts = [max(1, round(along[-1] / step)) if along[-1] > 0 else 0 for along in lengths]
    total = sum(counts) + len(counts)
    if total > MOST_POINTS:
        raise DataError(
            f"resampling: {total:,} points a sample are too many (up to {MOST_POINTS:,}); "
            "normalise the size first, or choose a longer step"
        )
    found = [_evenly(*each) for each in zip(strokes, lengths, counts, strict=True)]
    lifts = np.zeros(total, dtype=np.bool_)
    lifts[np.cumsum([len(stroke) for stroke in found]) - 1] = True
    return Ink(np.concatenate(found), lifts)


def _distances(points: Array) -> Array:
    dx, dy = np.diff(points, axis=0).T
    found: Array = np.hypot(dx, dy)
    return found


def _evenly(stroke: Array, along: Array, count: int) -> Array:
    """Return count + 1 points that divide a stroke into equal lengths; `along`: length so far."""
    where = np.linspace(0.0, along[-1], count + 1)
    return np.column_stack([np.interp(where, along, stroke[:, axis]) for axis in (0, 1)])


def normalise(ink: Ink, size: Size = "box", *, slant: bool = False) -> Ink:
    """Return ink of size 1 around (0, 0), upright if `slant` is to be taken out.

    size: what becomes 1, see `StrokeSettings`; "height" suits lines of text, "stroke" those whose
    height says little, such as formulas: there the mean longer side of the strokes becomes 1. Ink
    without a size, a dot, is only moved.
    """
    points = ink.points
    if slant:
        points = points - np.column_stack([slant_of(ink) * points[:, 1], np.zeros(len(points))])
    middle = (points.max(0) + points.min(0)) / 2
    upright = Ink(points - middle, ink.lifts)
    scale = _size(upright, size)
    return Ink(upright.points / scale, ink.lifts) if scale > 0 else upright


def _size(ink: Ink, size: Size) -> float:
    width, height = ink.size
    if size == "box" or not height:
        return max(width, height)
    if size == "height":
        return height
    return float(np.mean([np.ptp(stroke, axis=0).max() for stroke in ink.strokes]))


def slant_of(ink: Ink) -> float:
    """Return the shear dx/dy of the downstrokes, 0 where there are none.

    The least squares of dx - shear · dy over all pieces of strokes that are at most 45 degrees from
    upright, weighted by their length.
    """
    pieces = np.concatenate([np.diff(stroke, axis=0) for stroke in ink.strokes])
    dx, dy = pieces[np.abs(pieces[:, 1]) > np.abs(pieces[:, 0])].T
    total = float(dy @ dy)
    return float(np.clip(dx @ dy / total, -_STEEPEST, _STEEPEST)) if total > 0 else 0.0


def simplify(ink: Ink, tolerance: float) -> Ink:
    """Return ink without the points that are within `tolerance` of the line through others.

    Ends of strokes stay (Ramer, 1972; Douglas & Peucker, 1973).
    """
    kept = np.concatenate([_kept(stroke, tolerance) for stroke in ink.strokes])
    return Ink(ink.points[kept], ink.lifts[kept])


def _kept(stroke: Array, tolerance: float) -> NDArray[np.bool_]:
    """Return which points of a stroke [n] stay."""
    kept = np.zeros(len(stroke), dtype=np.bool_)
    kept[[0, -1]] = True
    parts = [(0, len(stroke) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        far = _off_line(stroke[first + 1 : last], stroke[first], stroke[last])
        farthest = int(far.argmax())
        if far[farthest] > tolerance:
            place = first + 1 + farthest
            kept[place] = True
            parts += [(first, place), (place, last)]
    return kept


def _off_line(points: Array, begin: Array, end: Array) -> Array:
    """Return the distances of points from the piece of line between two others."""
    way = end - begin
    length = float(way @ way)
    share = (points - begin) @ way / length if length > 0 else np.zeros(len(points))
    nearest = begin + np.clip(share, 0.0, 1.0)[:, None] * way
    dx, dy = (points - nearest).T
    found: Array = np.hypot(dx, dy)
    return found

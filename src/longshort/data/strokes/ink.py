"""Pen strokes in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.data.findings import Finding
from longshort.errors import DataError

Array = NDArray[np.float64]

FARTHEST = 1e9
"""Largest coordinate of a point, in units of the source."""
_FEW_WRITERS = 10
"""Number of writers below which each may be in all splits."""
_UNEQUAL = 20.0
"""Ratio of sizes from which they are remarked upon."""


@dataclass(frozen=True)
class Ink:
    """What a pen wrote: points in order, and where the pen was lifted.

    points: coordinates [N, 2] in units of the source, x to the right and y downwards. lifts [N]:
    whether the pen is lifted after a point, that is, whether a stroke ends there; True at the last.
    """

    points: Array
    lifts: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def strokes(self) -> list[Array]:
        """The points of each stroke [n, 2]."""
        return np.split(self.points, np.flatnonzero(self.lifts)[:-1] + 1)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the box around all points."""
        width, height = np.ptp(self.points, axis=0)
        return float(width), float(height)

    def offsets(self) -> Array:
        """Return rows (dx, dy, lift) [N, 3]: the way from the point before, 0 for the first."""
        moves = np.diff(self.points, axis=0, prepend=self.points[:1])
        return np.column_stack([moves, self.lifts])

    def digest(self) -> bytes:
        """Return a digest of points and strokes."""
        content = np.column_stack([self.points, self.lifts])
        return hashlib.sha256(np.ascontiguousarray(content).tobytes()).digest()


@dataclass(frozen=True)
class Inks:
    """Samples of pen strokes in parallel lists.

    name: the source in messages. labels: the symbol or the text of each, None where the source has
    none. places: of each in the source for people, such as "line 17". writers: who wrote each.
    """

    name: str
    items: list[Ink]
    labels: list[str] | None
    places: list[str]
    path: str | None = None
    sha256: str | None = None
    writers: list[str] | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    @property
    def strata(self) -> list[str] | None:
        """The labels, whose shares can be equal in all splits."""
        return self.labels

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Inks:
        """Return the samples with these numbers, in this order."""
        chosen = [int(i) for i in indices]
        return replace(
            self,
            items=[self.items[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            places=[self.places[i] for i in chosen],
            writers=None if self.writers is None else [self.writers[i] for i in chosen],
        )

    def kept_together(self) -> list[str] | list[bytes]:
        """Return for each sample what it shares with those that stay in its split.

        Samples of a writer stay together, so that others' hands are tested, unless there are few.
        """
        if self.writers is None or len({*self.writers}) < _FEW_WRITERS:
            return self.keys()
        return self.writers

    def keys(self) -> list[bytes]:
        """Return a key for each sample; equal for equal strokes."""
        return [ink.digest() for ink in self.items]

    def digest(self) -> str:
        """Return a digest of content, labels and order."""
        found = hashlib.sha256()
        for ink, label in zip(self.items, self.labels or [""] * len(self), strict=True):
            found.update(ink.digest() + b"\0" + label.encode() + b"\0")
        return found.hexdigest()


def ink_of_strokes(strokes: Sequence[Any], place: str) -> Ink:
    """Make ink of strokes, each points [n, 2]; further columns, such as times, are ignored.

    place: of the ink in the source, for messages. Raises `DataError` for ink without a stroke,
    strokes without a point, and coordinates that are no numbers or too large.
    """
    if not len(strokes):
        raise DataError(f"{place}: has no stroke; leave it out")
    found = [_points(stroke, f"{place}, stroke {i}") for i, stroke in enumerate(strokes)]
    points = np.concatenate(found)
    lifts = np.zeros(len(points), dtype=np.bool_)
    lifts[np.cumsum([len(stroke) for stroke in found]) - 1] = True
    return Ink(points, lifts)


def ink_of_offsets(rows: ArrayLike, place: str) -> Ink:
    """Make ink of rows (dx, dy, pen) [N, 3]; pen is 1 where a stroke ends, otherwise 0.

    The first row is the first point, from (0, 0). Raises `DataError` as `ink_of_strokes` does, and
    for other states of the pen.
    """
    values = _numbers(rows, place)
    if values.ndim != 2 or values.shape[1] != 3:
        shape = " x ".join(map(str, values.shape))
        raise DataError(f"{place}: rows (dx, dy, pen) are expected, got the shape {shape}")
    if not len(values):
        raise DataError(f"{place}: has no point; leave it out")
    pen = values[:, 2]
    odd = np.flatnonzero((pen != 0) & (pen != 1))
    if len(odd):
        raise DataError(
            f"{place}, point {odd[0]}: the pen is {pen[odd[0]]:g}; 1 where a stroke ends and 0 "
            "elsewhere is expected"
        )
    points = np.cumsum(_near(values[:, :2], place), axis=0)
    lifts = pen == 1
    lifts[-1] = True
    return Ink(_near(points, place), lifts)


def mixed_scales(inks: Inks) -> list[Finding]:
    """Return a finding if samples are of very unequal size."""
    sizes = np.array([max(ink.size) for ink in inks.items])
    seen = sizes[sizes > 0]
    if len(seen) < 2:
        return []
    low, high = np.quantile(seen, [0.05, 0.95])
    if high <= _UNEQUAL * low:
        return []
    text = f"of 90 % of the samples they are from {low:.3g} to {high:.3g}"
    where = tuple(inks.places[i] for i in (np.argmin(sizes), np.argmax(sizes)))
    fix = "were they recorded with several devices? give each sample its own size (data.size)"
    message = f"{inks.name}: sizes differ much: {text}"
    return [Finding("mixed-scales", "warning", message, where, fix)]


def dots(inks: Inks) -> list[Finding]:
    """Return a finding on samples that are a single point."""
    found = [i for i, ink in enumerate(inks.items) if max(ink.size) == 0]
    if not found:
        return []
    where = tuple(inks.places[i] for i in found[:5])
    message = f"{inks.name}: {len(found):,} samples are a single point"
    return [Finding("dots", "note", message, where)]


def _points(stroke: Any, place: str) -> Array:
    values = _numbers(stroke, place)
    if not values.size:
        raise DataError(f"{place}: has no point; leave it out")
    if values.ndim != 2 or values.shape[1] < 2:
        shape = " x ".join(map(str, values.shape))
        raise DataError(f"{place}: points (x, y) are expected, got the shape {shape}")
    return _near(values[:, :2], place)


def _numbers(values: ArrayLike, place: str) -> Array:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"{place}: numbers are expected, as many for each point, got {_shown(values)}"
        ) from None


def _near(points: Array, place: str) -> Array:
    """Return points; raises `DataError` for coordinates that are no numbers or too large."""
    bad = ~(np.abs(points) <= FARTHEST)
    if bad.any():
        point, axis = (int(i) for i in np.argwhere(bad)[0])
        value = points[point, axis]
        what = "is too large (up to 1e9 is allowed)" if np.isfinite(value) else "is not a number"
        raise DataError(
            f"{place}, point {point}: {'xy'[axis]} is {value:g}, which {what}; correct it or leave "
            "the sample out"
        )
    return points


def _shown(values: object) -> str:
    text = repr(values)
    return text if len(text) <= 60 else text[:57] + "…"

"""What pictures look like, so that new ones can be compared with those of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from longshort.data.findings import Finding
from longshort.tasks.read.ink import Line, reach_of

_EDGES = (0.02, 0.98)
"""Quantiles of the training pictures between which a picture is usual."""
_SLACK = 0.25
"""Share of that range by which a picture may leave it."""
_LEAST_ROOM = {"contrast": 0.05, "slant": 0.1, "thickness": 0.02, "height": 5.0, "letters": 0.05}
"""What a picture may differ by in any case, where training pictures are all alike."""
_SHOWN = 5
_WORDS = {
    "contrast": ("contrast of ink and paper", "{:.2f}"),
    "slant": ("slant of the strokes", "{:+.2f}"),
    "thickness": ("thickness of strokes, as a share of the line's height", "{:.3f}"),
    "height": ("height of the picture in pixels", "{:.0f}"),
    "letters": ("size of the letters, as a share of the picture's height", "{:.2f}"),
}
_REMEDY = (
    "the model may read such pictures badly: train on some that look so, or make these look like "
    "those of training"
)


@dataclass(frozen=True)
class Look:
    """What one picture looks like.

    contrast: of ink and paper, 0 to 1. slant: pixels to the right for each pixel upwards.
    thickness: of strokes, as a share of the height of the line's band. height: of the picture in
    pixels. letters: mean distance of ink from the line's centre, as a share of that height.
    is_inverted: the ink is lighter than the paper.
    """

    contrast: float
    slant: float
    thickness: float
    height: float
    letters: float
    is_inverted: bool


NUMBERS = tuple(field.name for field in fields(Look) if field.name != "is_inverted")


@dataclass(frozen=True)
class Looks:
    """The usual looks of training pictures: ranges by name, and the share of inverted ones."""

    ranges: dict[str, tuple[float, float]]
    inverted: float

    @staticmethod
    def fit(looks: Sequence[Look]) -> Looks:
        """Return the ranges that most of these looks are in."""
        ranges = {}
        for name in NUMBERS:
            values = [getattr(look, name) for look in looks]
            low, high = (float(each) for each in np.quantile(values, _EDGES))
            room = max(_SLACK * (high - low), _LEAST_ROOM[name])
            ranges[name] = (low - room, high + room)
        return Looks(ranges, float(np.mean([look.is_inverted for look in looks])))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"ranges": {k: list(v) for k, v in self.ranges.items()}, "inverted": self.inverted}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Looks:
        """Return what `to_dict` wrote."""
        ranges = {name: (float(stored["ranges"][name][0]), float(stored["ranges"][name][1]))
                  for name in NUMBERS}  # fmt: skip
        return Looks(ranges, float(stored["inverted"]))

    def compare(self, looks: Sequence[Look], places: Sequence[str], name: str) -> list[Finding]:
        """Return a finding for each way in which new pictures differ from those of training."""
        found = [self._outside(key, looks, places, name) for key in NUMBERS]
        found.append(self._inverted(looks, places, name))
        return [each for each in found if each is not None]

    def _outside(
        self, key: str, looks: Sequence[Look], places: Sequence[str], name: str
    ) -> Finding | None:
        low, high = self.ranges[key]
        values = [getattr(look, key) for look in looks]
        odd = [i for i, value in enumerate(values) if not low <= value <= high]
        if len(odd) <= _tolerated(len(looks)):
            return None
        words, number = _WORDS[key]
        middle = float(np.median([values[i] for i in odd]))
        return Finding(
            f"looks-{key}",
            "warning",
            f"{name}: {_count(odd, looks)} differ from the training pictures in the {words}: "
            f"{number.format(middle)} in the middle of them, in training "
            f"{number.format(low)} to {number.format(high)}",
            tuple(places[i] for i in odd[:_SHOWN]),
            _REMEDY,
        )

    def _inverted(self, looks: Sequence[Look], places: Sequence[str], name: str) -> Finding | None:
        odd = [i for i, look in enumerate(looks) if look.is_inverted]
        if self.inverted > 0 or len(odd) <= _tolerated(len(looks)):
            return None
        return Finding(
            "looks-inverted",
            "note",
            f"{name}: {_count(odd, looks)} have light ink on dark paper, and no training picture "
            "has; they were inverted before reading",
            tuple(places[i] for i in odd[:_SHOWN]),
        )


def look_of(line: Line) -> Look:
    """Return what a picture looks like, from its ink."""
    ink = line.pixels.astype(np.float32) / 255.0
    height = float(ink.shape[0])
    total = float(ink.sum())
    if total <= 0:
        return Look(line.contrast, 0.0, 0.0, height, 0.0, line.is_inverted)
    down, across = np.gradient(np.pad(ink, 1))
    steep = float((across * across).sum())
    slant = float((across * down).sum()) / steep if steep > 0 else 0.0
    edge = float(np.hypot(across, down).sum())
    reach = reach_of(ink)
    thickness = 2 * total / edge / (2 * reach) if edge > 0 else 0.0
    return Look(line.contrast, slant, thickness, height, reach / height, line.is_inverted)


def _tolerated(count: int) -> float:
    """Return how many of so many pictures may look unusual without a word."""
    return 0.1 * count if count >= 10 else 0


def _count(odd: Sequence[int], looks: Sequence[Look]) -> str:
    return f"{len(odd):,} of {len(looks):,} pictures"


def described(looks: Looks) -> list[list[str]]:
    """Return the ranges of usual looks as a table for people, its header first."""
    rows = [["", "from", "to"]]
    for key, (low, high) in looks.ranges.items():
        words, number = _WORDS[key]
        rows.append([words, number.format(low), number.format(high)])
    rows.append(["light ink on dark paper", f"{looks.inverted:.0%} of the pictures", ""])
    return rows

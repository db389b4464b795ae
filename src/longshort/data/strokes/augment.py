"""Random variants of pen strokes for training."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from longshort.data.strokes.ink import Ink


@dataclass(frozen=True)
class Augment:
    """How much strokes are changed; each is a standard deviation but for `drop`.

    rotate, shear: in radians, and as dx/dy. scale: of width and height each, as a logarithm. drop:
    share of points that are left out, never the ends of a stroke. jitter: of each point, as a share
    of the longer side of the ink.
    """

    rotate: float = 0.1
    shear: float = 0.15
    scale: float = 0.1
    drop: float = 0.1
    jitter: float = 0.0

    def times(self, strength: float) -> Augment:
        """Return the same, so many times as much."""
        return Augment(*(strength * value for value in astuple(self)))


def augmented(ink: Ink, how: Augment, draw: np.random.Generator) -> Ink:
    """Return a random variant of ink around the middle of its box."""
    angle, shear = draw.normal(0.0, (how.rotate, how.shear))
    wide, high = np.exp(draw.normal(0.0, how.scale, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    change = turn @ np.array([[wide, shear * high], [0.0, high]])
    middle = (ink.points.max(0) + ink.points.min(0)) / 2
    points = (ink.points - middle) @ change.T + middle
    if how.jitter:
        points = points + draw.normal(0.0, how.jitter * max(ink.size), points.shape)
    begins = np.append(True, ink.lifts[:-1])
    kept = ink.lifts | begins | (draw.random(len(ink)) >= how.drop)
    return Ink(points[kept], ink.lifts[kept])

"""What a network sees of each point of pen strokes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.strokes.ink import Ink

FEATURES = ("dx", "dy", "lift", "x", "y", "cos", "sin", "turn")
"""Columns of `features`.

dx, dy: the way from the point before, through the air where a stroke begins. lift: 1 where a stroke
ends. x, y: the place. cos, sin: of the direction of the way, 0 without a way. turn: the change of
direction from the way before, in half turns from -1 to 1, to the right where positive.
"""


def features(ink: Ink) -> NDArray[np.float32]:
    """Return the features of each point [N, 8], see `FEATURES`.

    They suit ink that is normalised in size and resampled.
    """
    rows = ink.offsets()
    dx, dy, lifts = rows.T
    length = np.hypot(dx, dy)
    ways = np.divide(
        rows[:, :2], length[:, None], out=np.zeros((len(ink), 2)), where=length[:, None] > 0
    )
    cos, sin = ways.T
    sines = cos[:-1] * sin[1:] - sin[:-1] * cos[1:]
    cosines = cos[:-1] * cos[1:] + sin[:-1] * sin[1:]
    has_both = (length[:-1] > 0) & (length[1:] > 0)
    turn = np.append(0.0, np.where(has_both, np.arctan2(sines, cosines), 0.0))
    x, y = ink.points.T
    return np.column_stack([dx, dy, lifts, x, y, cos, sin, turn / np.pi]).astype(np.float32)

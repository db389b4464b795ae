"""The grid on which a device places points, and points spread evenly over its cells.

The density of a point that can lie on a grid alone has no bound: a model can be as sure of "exactly
0 to the right" as it likes, and likelihoods mean nothing. Points that are spread over their cell
have a density of at most one over the cell's area (Theis, van den Oord & Bethge, 2016, "A note on
the evaluation of generative models").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from longshort.data.strokes.ink import Ink

_LOOKED_AT = 2_000
"""Largest number of samples whose points are looked at."""
_DIGITS = 4
"""Most digits behind the point for which coordinates are taken to lie on a grid."""


def grid_of(inks: Sequence[Ink]) -> float:
    """Return the distance of neighbouring places on which all points lie; 0 where there is none."""
    ways = np.concatenate([ink.offsets()[:, :2].ravel() for ink in inks[:_LOOKED_AT]])
    for digits in range(_DIGITS + 1):
        scaled = ways * 10**digits
        whole = np.rint(scaled)
        if np.abs(scaled - whole).max(initial=0.0) < 1e-6 * 10**digits:
            cell = int(np.gcd.reduce(whole.astype(np.int64)))
            return float(cell / 10**digits)
    return 0.0


def spread(ink: Ink, grid: float) -> Ink:
    """Return ink whose points are moved evenly within their cells, the same for the same ink."""
    if not grid:
        return ink
    seed = int.from_bytes(ink.digest()[:8], "little")
    moves = np.random.default_rng(seed).uniform(-grid / 2, grid / 2, ink.points.shape)
    return Ink(ink.points + moves, ink.lifts)

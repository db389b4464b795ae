"""A baseline for sequences of numbers: the label of the nearest neighbour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Sequences

Floats = NDArray[np.float64]
_MOST = 10_000
"""Largest number of training sequences that are searched."""
_BLOCK = 1_000
_LEAST = 1e-3


def nearest(train: Sequences, test: Sequences, classes: int) -> tuple[Floats, str]:
    """Return probabilities [n, K] of the test sequences, and a note on the distance.

    The neighbour's label is as probable as it is right within the training split, each sequence
    left out in turn. Distances are Euclid's; sequences of different lengths are stretched to their
    median length. classes: number of labels, K.
    """
    steps = int(np.median(train.lengths))
    is_ragged = len(set(train.lengths.tolist())) > 1
    chosen = np.random.default_rng(0).permutation(len(train.items))[:_MOST]
    labels = train.targets[chosen]
    known = _stretched(train.take(chosen.tolist()), steps)
    own = _neighbours(known, known, leave_out=True)
    found = labels[_neighbours(known, _stretched(test, steps), leave_out=False)]
    p = surely(found, int(np.sum(labels[own] == labels)), len(labels), classes)
    note = "takes Euclid's distance"
    if is_ragged:
        note += f" of sequences that are stretched to {steps} steps"
    if len(labels) < len(train.items):
        note += f", to {len(labels):,} of {len(train.items):,} training sequences"
    return p, note


def surely(found: NDArray[np.int64], right: int, tried: int, classes: int) -> Floats:
    """Return probabilities [n, K] of labels that were right so often of the times they were tried.

    found [n]: the labels; each stays the likeliest. classes: K.
    """
    sure = max((right + 1) / (tried + 2), (1 + _LEAST) / classes)
    p = np.full((len(found), classes), (1 - sure) / (classes - 1))
    p[np.arange(len(found)), found] = sure
    return p


def _stretched(encoded: Sequences, steps: int) -> NDArray[np.float32]:
    """Return the sequences linearly interpolated to `steps` steps, [n, steps · F]."""
    rows = []
    for sequence in encoded.items:
        x = np.asarray(sequence, dtype=np.float32)
        if len(x) != steps:
            places = np.linspace(0, len(x) - 1, steps)
            low = places.astype(int)
            high, share = np.minimum(low + 1, len(x) - 1), (places - low)[:, None]
            x = ((1 - share) * x[low] + share * x[high]).astype(np.float32)
        rows.append(x.ravel())
    return np.stack(rows)


def _neighbours(
    known: NDArray[np.float32], asked: NDArray[np.float32], *, leave_out: bool
) -> NDArray[np.int64]:
    """Return the number of the nearest known row for each asked row, [n].

    leave_out: whether `asked` is `known`, so that a row must not be its own neighbour.
    """
    squares, found = np.square(known).sum(1), []
    for begin in range(0, len(asked), _BLOCK):
        block = asked[begin : begin + _BLOCK]
        far = squares - 2 * block @ known.T
        if leave_out:
            here = np.arange(len(block))
            far[here, begin + here] = np.inf
        found.append(far.argmin(1))
    return np.concatenate(found)

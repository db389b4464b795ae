"""Baselines of a language model: token frequencies, and n-grams."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.ngram import NGram
from longshort.runs.task import Track, untracked

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def unigram(train: Ints, test: Ints, size: int) -> Floats:
    """Return the nats of test tokens by their counts in training, each raised by one."""
    counts = np.bincount(train, minlength=size)[:size] + 1.0
    nats: Floats = -np.log(counts / counts.sum())
    return nats[test]


def kneser_ney(
    train: Ints,
    val: Ints,
    test: Ints,
    size: int,
    highest: int,
    begin: int,
    track: Track = untracked,
) -> tuple[Floats, int]:
    """Return the nats of test tokens by an n-gram model, and its order.

    The order is the one that is best on the validation split.
    """
    before, best, chosen = np.array([begin]), np.inf, 1
    found = np.zeros(0)
    for order in range(1, highest + 1):
        track("fitting n-gram models", order - 1, highest)
        model = NGram(train, size, order)
        loss = float(model.losses(val, before).mean())
        if loss < best:
            best, chosen, found = loss, model.order, model.losses(test, before)
    return found, chosen

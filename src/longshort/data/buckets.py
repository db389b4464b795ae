"""Batches of sequences of similar length, so that there is little padding."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.data.padding import MOST_STEPS

POOL = 50
"""Number of batches that are sorted by length together.

It is large enough for similar lengths, and small enough for random batches.
"""


def bucketed(
    lengths: Tensor, batch_size: int, draw: torch.Generator, most: int = MOST_STEPS
) -> list[Tensor]:
    """Return an epoch's batches, as numbers of samples: each once, in random order.

    Samples of a batch are of similar length. No batch has more than `most` steps, padding included,
    unless it is a single sample. lengths [n]; draw: source of all randomness.
    """
    order = torch.randperm(len(lengths), generator=draw)
    batches: list[Tensor] = []
    for begin in range(0, len(order), POOL * batch_size):
        pool = order[begin : begin + POOL * batch_size]
        pool = pool[lengths[pool].argsort(stable=True)]
        for batch in _pieces(pool, batch_size):
            batches += _bounded(batch, lengths, most)
    turns = torch.randperm(len(batches), generator=draw).tolist()
    return [batches[i] for i in turns]


def shuffled(
    lengths: Tensor, batch_size: int, draw: torch.Generator, most: int = MOST_STEPS
) -> list[Tensor]:
    """Return an epoch's batches at random, whatever the lengths, in nearly equal sizes.

    For few samples: in `bucketed`, those of equal length would always meet the same others, and a
    last batch of one or two would be a poor estimate of the gradient.
    """
    order = torch.randperm(len(lengths), generator=draw)
    batches = order.tensor_split(-(-len(order) // batch_size))
    return [part for batch in batches for part in _bounded(batch, lengths, most)]


def _bounded(batch: Tensor, lengths: Tensor, most: int) -> list[Tensor]:
    """Divide a batch into as many pieces of nearly equal size as the bound requires."""
    rows = max(1, most // max(1, int(lengths[batch].max())))
    return list(batch.tensor_split(-(-len(batch) // rows)))


def _pieces(numbers: Tensor, size: int) -> list[Tensor]:
    return [numbers[i : i + size] for i in range(0, len(numbers), size)]

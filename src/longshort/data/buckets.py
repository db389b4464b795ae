"""Batches of sequences of nearly the same length, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data import padding

POOL = 50
"""So many batches are sorted by length together: enough that lengths agree, while chance still
decides who meets whom."""

MOST_STEPS = 1 << 17
"""Steps of a batch, padding too: some gigabytes for the way back through a usual network."""


def bucketed(
    lengths: Tensor, batch_size: int, draw: torch.Generator, most: int = MOST_STEPS
) -> list[Tensor]:
    """Numbers of the samples of an epoch's batches: each sample once, in an order by chance.

    Batches of long samples are smaller, so that none has more than `most` steps unless it is a
    single sample.

    lengths [n]; all chance comes from `draw`.
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
    """The same by chance alone, in batches of nearly the same size.

    For few samples: those of equal length would always meet the same others, and a last batch of
    one or two would be a poor estimate.
    """
    order = torch.randperm(len(lengths), generator=draw)
    batches = order.tensor_split(-(-len(order) // batch_size))
    return [part for batch in batches for part in _bounded(batch, lengths, most)]


def in_order_of_length(lengths: Tensor, batch_size: int) -> list[Tensor]:
    """Batches for evaluation: each sample once, the longest first; bounded as in `bucketed`."""
    order = lengths.argsort(descending=True, stable=True)
    batches = _pieces(order, batch_size)
    return [part for batch in batches for part in _bounded(batch, lengths, MOST_STEPS)]


def _bounded(batch: Tensor, lengths: Tensor, most: int) -> list[Tensor]:
    """In as many pieces as it takes, of nearly the same size."""
    rows = max(1, most // max(1, int(lengths[batch].max())))
    return list(batch.tensor_split(-(-len(batch) // rows)))


def _pieces(numbers: Tensor, size: int) -> list[Tensor]:
    return [numbers[i : i + size] for i in range(0, len(numbers), size)]


def pad_numbers(sequences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """As `padding.pad_numbers`, in tensors."""
    padded, lengths = padding.pad_numbers(sequences)
    return torch.from_numpy(padded), torch.from_numpy(lengths)


def pad_arrays(sequences: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """As `padding.pad_arrays`, in tensors."""
    padded, lengths = padding.pad_arrays(sequences)
    return torch.from_numpy(padded), torch.from_numpy(lengths)

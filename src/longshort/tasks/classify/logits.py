"""Logits of a batch, whichever of the networks reads it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from longshort.data.sequences import Batch
from longshort.nn.blocks.grams import Bag


def logits_of(network: Any, batch: Batch) -> Tensor:
    """Return the logits [M, B, K] of M networks for a batch of B samples, given as tensors."""
    grams: Any = batch.grams
    bag = None if grams is None else Bag(grams.columns, grams.weights, grams.begins[:-1])
    found: Tensor = network(batch.x, batch.lengths, bag)
    return found

"""Probabilities of labels by a trained network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.buckets import in_order_of_length
from longshort.data.sequences import Batch, Sequences
from longshort.nn.blocks.grams import Bag
from longshort.runs.batches import on_device

_TOGETHER = 128
"""Samples of a batch."""


def bag_of(batch: Batch) -> Bag | None:
    """The n-grams of a batch of tensors, as the network takes them."""
    grams: Any = batch.grams
    return None if grams is None else Bag(grams.columns, grams.weights, grams.begins[:-1])


def logits_of(network: Any, batch: Batch) -> Tensor:
    """Of a batch of tensors, [M, B, K], by networks of any kind that stand together."""
    found: Tensor = network(batch.x, batch.lengths, bag_of(batch))
    return found


@torch.no_grad()
def log_probabilities(network: Any, samples: Sequences, device: str) -> Tensor:
    """Of every label for all samples, [n, K], without dropout, in float64 on the CPU."""
    network.eval()
    found = torch.empty(len(samples), network.classes, dtype=torch.float64)
    for numbers in in_order_of_length(torch.from_numpy(samples.lengths), _TOGETHER):
        batch = on_device(samples.batch(numbers.numpy()), device)
        each = logits_of(network, batch).cpu().double().log_softmax(-1)
        found[numbers] = each.logsumexp(0) - math.log(len(each))
    return found


def probabilities(network: Any, samples: Sequences, device: str) -> NDArray[np.float64]:
    """Of every label, [n, K]."""
    found: NDArray[np.float64] = log_probabilities(network, samples, device).exp().numpy()
    return found

"""Prediction of a trained classifier."""

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
from longshort.runs.task import Model
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.targets import Targets

_TOGETHER = 128
"""Number of samples in a batch."""


def bag_of(batch: Batch) -> Bag | None:
    """Return the n-grams of a batch of tensors as the network takes them; None if it has none."""
    grams: Any = batch.grams
    return None if grams is None else Bag(grams.columns, grams.weights, grams.begins[:-1])


def logits_of(network: Any, batch: Batch) -> Tensor:
    """Return the logits [M, B, K] of M networks for a batch of B samples, given as tensors."""
    found: Tensor = network(batch.x, batch.lengths, bag_of(batch))
    return found


@torch.no_grad()
def log_probabilities(network: Any, samples: Sequences, device: str, targets: Targets) -> Tensor:
    """Return the logarithms of the labels' probabilities [n, K], averaged over the networks.

    Computed without dropout on `device`; the result is in float64 on the CPU.
    """
    network.eval()
    found = torch.empty(len(samples), network.classes, dtype=torch.float64)
    for numbers in in_order_of_length(torch.from_numpy(samples.lengths), _TOGETHER):
        batch = on_device(samples.batch(numbers.numpy()), device)
        each = targets.log_probabilities(logits_of(network, batch).cpu().double())
        found[numbers] = each.logsumexp(0) - math.log(len(each))
    return found


def probabilities(model: Model[Any, ClassifyEncoder], samples: Sequences) -> NDArray[np.float64]:
    """Return the probabilities [n, K] of every label by a trained model."""
    targets = model.encoder.targets
    found = log_probabilities(model.network, samples, model.device, targets).exp()
    values: NDArray[np.float64] = found.numpy()
    return values

"""The classifier's n-grams without its recurrent layers: what those have to add something to."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.config.training import TrainConfig
from longshort.nn.blocks.grams import Bag, GramVectors
from longshort.tasks.classify.baselines import Baseline
from longshort.tasks.classify.fitted import Encoded
from longshort.train.learning import Learning, TrainPlan

NAME = "ngrams"
_MEMBERS, _BATCH, _STEPS = 3, 32, 800
_FEWEST, _MOST = 5, 60
_RATE = 0.003
_ASKED = 1024


class GramNetwork(nn.Module):
    """Bags of n-grams to logits [M, B, K] of M networks, whose probabilities are averaged."""

    def __init__(self, grams: int, classes: int) -> None:
        super().__init__()
        self.vectors = nn.ModuleList(GramVectors(grams) for _ in range(_MEMBERS))
        self.heads = nn.ModuleList(nn.Linear(GramVectors.width, classes) for _ in range(_MEMBERS))

    def forward(self, bag: Bag) -> Tensor:
        """The logits of each network."""
        pairs = zip(self.vectors, self.heads, strict=True)
        return torch.stack([head(vectors(bag)) for vectors, head in pairs])


class GramTask(Learning):
    """The network in training; all of it is learned, and the last weights are kept."""

    def __init__(self, train: Encoded, classes: int, seed: int, device: str) -> None:
        assert train.grams is not None
        self.encoded, self.device = train, device
        torch.manual_seed(seed)
        self.network = GramNetwork(train.grams.width, classes).to(device)
        batches = max(1, len(train.targets) // _BATCH)
        epochs = min(_MOST, max(_FEWEST, math.ceil(_STEPS / batches)))
        self.plan = TrainPlan(min(_BATCH, len(train.targets)), batches, epochs)
        self.settings = TrainConfig(learning_rate=_RATE, choose="last", seed=seed, device=device)

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    @property
    def num_samples(self) -> int:
        """Training texts."""
        return len(self.encoded.targets)

    def loss(self, samples: Tensor) -> Tensor:
        """Mean cross entropy of every network of its own."""
        _, _, bag = self.encoded.batch(samples)
        assert bag is not None
        logits = self.network(bag.to(self.device))
        targets = self.encoded.targets[samples].repeat(len(logits)).to(self.device)
        return F.cross_entropy(logits.flatten(0, 1), targets)

    @property
    def measure(self) -> str:
        """None: nothing is chosen."""
        return ""

    def validate(self) -> float | None:
        """None: nothing is chosen."""
        return None


@torch.no_grad()
def gram_baseline(network: GramNetwork, asked: Encoded, device: str) -> Baseline:
    """The network's probabilities [n, K] for these texts."""
    network.eval()
    parts: list[NDArray[np.float64]] = []
    for samples in torch.split(torch.arange(len(asked.sequences)), _ASKED):
        _, _, bag = asked.batch(samples)
        assert bag is not None
        each = network(bag.to(device)).cpu().double().softmax(-1)
        parts.append(each.mean(0).numpy())
    title = "the same n-grams without the recurrent layers"
    return Baseline(NAME, title, np.concatenate(parts), f"is {_MEMBERS} networks too")

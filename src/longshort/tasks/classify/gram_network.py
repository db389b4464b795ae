"""A baseline network: the classifier's n-grams without its recurrent layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.nn.blocks.grams import Bag, GramVectors
from longshort.tasks.classify.logits import logits_of

MEMBERS = 3


class GramNetwork(nn.Module):
    """Networks that read bags of n-grams: logits [M, B, K] of M networks, which are averaged."""

    def __init__(self, grams: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.vectors = nn.ModuleList(GramVectors(grams) for _ in range(MEMBERS))
        self.heads = nn.ModuleList(nn.Linear(GramVectors.width, classes) for _ in range(MEMBERS))

    logits = logits_of

    def forward(self, _x: Tensor, _lengths: Tensor, bag: Bag) -> Tensor:
        """Return the logits of each network, [M, B, K]."""
        pairs = zip(self.vectors, self.heads, strict=True)
        return torch.stack([head(vectors(bag)) for vectors, head in pairs])

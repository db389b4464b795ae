"""The classifier's n-grams without its recurrent layers: what those have to add something to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.nn.blocks.grams import Bag, GramVectors

MEMBERS = 3


class GramNetwork(nn.Module):
    """Bags of n-grams to logits [M, B, K] of M networks, whose probabilities are averaged."""

    def __init__(self, grams: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.vectors = nn.ModuleList(GramVectors(grams) for _ in range(MEMBERS))
        self.heads = nn.ModuleList(nn.Linear(GramVectors.width, classes) for _ in range(MEMBERS))

    def forward(self, _x: Tensor, _lengths: Tensor, bag: Bag) -> Tensor:
        """The logits of each network."""
        pairs = zip(self.vectors, self.heads, strict=True)
        return torch.stack([head(vectors(bag)) for vectors, head in pairs])

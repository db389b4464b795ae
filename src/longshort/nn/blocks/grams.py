"""Embedding of a text's n-grams as one vector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTH = 16
_SCALE = 3.0
_LEFT_OUT = 0.3


@dataclass(frozen=True)
class Bag:
    """Numbers and weights of n-grams, text after text; those of text b begin at begins[b]."""

    numbers: Tensor
    weights: Tensor
    begins: Tensor

    def to(self, device: str) -> Bag:
        """Return a copy on another device."""
        return Bag(self.numbers.to(device), self.weights.to(device), self.begins.to(device))


class GramVectors(nn.Module):
    """Weighted sum of the n-grams' vectors, [B, 16] (after fastText, Joulin et al., 2017).

    In training 30 % of the n-grams are dropped.
    """

    width = _WIDTH

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, _WIDTH))
        nn.init.uniform_(self.weight, -1 / _WIDTH, 1 / _WIDTH)

    def forward(self, bag: Bag) -> Tensor:
        """Return the sums [B, 16]."""
        weights = F.dropout(bag.weights, _LEFT_OUT, self.training)
        found: Tensor = F.embedding_bag(
            bag.numbers, self.weight, bag.begins, mode="sum", per_sample_weights=weights
        )
        return _SCALE * found

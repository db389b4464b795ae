"""One vector for the n-grams of a text."""

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
    """Rows of numbers and weights of n-grams; row b begins at begins[b]."""

    numbers: Tensor
    weights: Tensor
    begins: Tensor

    def to(self, device: str) -> Bag:
        """The same on another device."""
        return Bag(self.numbers.to(device), self.weights.to(device), self.begins.to(device))


class GramVectors(nn.Module):
    """The weighted sum of vectors of n-grams, [B, 16] (after fastText, Joulin et al., 2017).

    In training three in ten of a text's n-grams are left out.
    """

    width = _WIDTH

    def __init__(self, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, _WIDTH))
        nn.init.uniform_(self.weight, -1 / _WIDTH, 1 / _WIDTH)

    def forward(self, bag: Bag) -> Tensor:
        """The sums."""
        weights = F.dropout(bag.weights, _LEFT_OUT, self.training)
        found: Tensor = F.embedding_bag(
            bag.numbers, self.weight, bag.begins, mode="sum", per_sample_weights=weights
        )
        return _SCALE * found

"""Token embeddings with dropout of whole word types."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Embedding(nn.Module):
    """Embedding: token numbers [T, B] become vectors [T, B, E]; number 0 is padding, always 0.

    word_dropout: rate at which, in training, all occurrences of a word type in a batch are dropped
    together (Gal & Ghahramani, 2016). spread: initial vectors are uniform within ± `spread`.
    """

    def __init__(
        self, count: int, size: int, word_dropout: float = 0.0, spread: float = 0.1
    ) -> None:
        super().__init__()
        self.word_dropout = word_dropout
        self.weight = nn.Parameter(torch.empty(count, size))
        nn.init.uniform_(self.weight, -spread, spread)
        with torch.no_grad():
            self.weight[0] = 0.0

    def forward(self, numbers: Tensor) -> Tensor:
        """Return the vectors [T, B, E]."""
        weight: Tensor = self.weight
        found = F.embedding(numbers, weight, padding_idx=0)
        if self.training and self.word_dropout:
            kept = torch.rand(len(weight), device=weight.device) >= self.word_dropout
            found = found * kept[numbers, None] / (1.0 - self.word_dropout)
        return found

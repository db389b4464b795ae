"""Dropout with one mask for all steps of a sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SequenceDropout(nn.Module):
    """x [T, B, W] under one dropout mask [B, W] (Gal & Ghahramani, 2016), or one for every step."""

    def __init__(self, rate: float, *, variational: bool = True) -> None:
        super().__init__()
        self.rate, self.variational = rate, variational

    def forward(self, x: Tensor) -> Tensor:
        """The thinned x; x itself outside training."""
        if not self.training or not self.rate:
            return x
        if not self.variational:
            return F.dropout(x, self.rate)
        return x * F.dropout(torch.ones_like(x[:1]), self.rate)

"""Dropout with one mask for all steps of a sequence (variational dropout)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SequenceDropout(nn.Module):
    """Dropout on x [T, B, W] with one mask [B, W] for all steps (Gal & Ghahramani, 2016).

    Optionally with a new mask for every step.
    """

    def __init__(self, rate: float, *, variational: bool = True) -> None:
        super().__init__()
        self.rate, self.variational = rate, variational

    def forward(self, x: Tensor) -> Tensor:
        """Return x with dropped values; unchanged outside training."""
        if not self.training or not self.rate:
            return x
        if not self.variational:
            return F.dropout(x, self.rate)
        return x * F.dropout(torch.ones_like(x[:1]), self.rate)

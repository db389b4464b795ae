"""A convolution over time in front of recurrent layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Convolution(nn.Module):
    """x [T, B, I] to relu of filters [T, B, filters] of width `kernel`; the length stays.

    What lies behind a sequence's end counts as 0.
    """

    def __init__(self, inputs: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.filters = nn.Conv1d(inputs, filters, kernel, padding="same")

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The filtered [T, B, filters]."""
        over = torch.arange(len(x), device=x.device)[:, None] >= lengths
        found: Tensor = self.filters(x.masked_fill(over[..., None], 0.0).permute(1, 2, 0))
        return found.relu().permute(2, 0, 1)

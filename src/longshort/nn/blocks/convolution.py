"""A convolution over time in front of recurrent layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Convolution(nn.Module):
    """x [T, B, I] to relu of filters [T, B, filters] of width `kernel`; the length stays.

    What lies behind a sequence's end counts as 0. Of an even kernel the longer side looks ahead.
    """

    def __init__(self, inputs: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.filters = nn.Conv1d(inputs, filters, kernel)
        self.margins = ((kernel - 1) // 2, kernel // 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The filtered [T, B, filters]."""
        known = x.masked_fill(beyond(x, lengths)[..., None], 0.0).permute(1, 2, 0)
        found: Tensor = self.filters(F.pad(known, self.margins))
        return found.relu().permute(2, 0, 1)


def beyond(x: Tensor, lengths: Tensor) -> Tensor:
    """Where x [T, B, ...] is padding, [T, B], on x's device; lengths [B] may lie elsewhere."""
    return torch.arange(len(x), device=x.device)[:, None] >= lengths.to(x.device)

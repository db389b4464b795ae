"""Summary statistics of each channel over a sequence; padding has no effect."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.nn.blocks.convolution import beyond

_EPSILON = 1e-6


class Summary(nn.Module):
    """Mean, deviation, minimum and maximum of each channel: x [T, B, F] becomes [B, 4 F]."""

    columns = 4

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the statistics [B, 4 F]."""
        lengths = lengths.to(x.device)
        over = beyond(x, lengths)[..., None]
        count = lengths[:, None]
        mean = x.masked_fill(over, 0.0).sum(0) / count
        squares = (x - mean).masked_fill(over, 0.0).square().sum(0) / count
        least = x.masked_fill(over, torch.inf).amin(0)
        largest = x.masked_fill(over, -torch.inf).amax(0)
        return torch.cat([mean, (squares + _EPSILON).sqrt(), least, largest], 1)

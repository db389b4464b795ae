"""Summary statistics of each channel over a sequence; padding has no effect."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.nn.blocks.convolution import beyond

_EPSILON = 1e-6
Statistics = tuple[Tensor, Tensor, Tensor, Tensor]
"""Mean, sum of squared distances from it, minimum and maximum so far, [B, F] each."""


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

    def after(self, x: Tensor, so_far: Statistics, count: Tensor) -> Statistics:
        """Return the statistics with one more step x [B, F], the one of number `count` [B].

        Mean and squares are those of Welford (1962), which lose no digits in long sequences.
        """
        mean, squares, least, largest = so_far
        moved = mean + (x - mean) / count[:, None]
        squares = squares + (x - mean) * (x - moved)
        return moved, squares, torch.minimum(least, x), torch.maximum(largest, x)

    def of(self, so_far: Statistics, count: Tensor) -> Tensor:
        """Return the same [B, 4 F] of statistics over `count` [B] steps."""
        mean, squares, least, largest = so_far
        deviation = (squares / count[:, None] + _EPSILON).sqrt()
        return torch.cat([mean, deviation, least, largest], 1)

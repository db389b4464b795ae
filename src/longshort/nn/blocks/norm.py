"""Batch normalisation of sequences, which does not see padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOMENTUM = 0.1
_EPSILON = 1e-5


class SequenceNorm(nn.Module):
    """x [T, B, W] with mean 0 and deviation 1 of every channel (Ioffe & Szegedy, 2015).

    In training by the mean and deviation of the batch, otherwise by their running averages.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Tensor, over: Tensor) -> Tensor:
        """The normalised x; over [T, B] is where x is padding."""
        if not self.training:
            mean, variance = self.mean, self.variance
        else:
            known = x[~over]
            mean, variance = known.mean(0), known.var(0, unbiased=False)
            with torch.no_grad():
                count = len(known)
                self.mean.lerp_(mean, _MOMENTUM)
                self.variance.lerp_(variance * count / max(1, count - 1), _MOMENTUM)
        return (x - mean) * (variance + _EPSILON).rsqrt() * self.weight + self.bias

"""Batch normalisation of sequences, without padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOMENTUM = 0.1
_EPSILON = 1e-5


class SequenceNorm(nn.Module):
    """Batch normalisation of x [T, B, W] per channel (Ioffe & Szegedy, 2015).

    Mean and deviation are those of the batch in training, and running averages otherwise.
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
        """Return the normalised x; over [T, B] marks the padding."""
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

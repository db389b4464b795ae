"""Convolutions over a picture of a line, whose columns become the steps of a sequence.

Letters: B batch, C channels, H and W height and width of the picture, T steps, F features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_MOMENTUM = 0.1
_HALVINGS = 2
"""Convolutions after which the width is halved; the height is halved after all."""
STRIDE: int = 2**_HALVINGS
"""Columns of a picture that become one step."""


class Columns(nn.Module):
    """Convolutions of 3 × 3 with batch normalisation and pooling: [B, H, W] to [T, B, F].

    T is W / `STRIDE`, and W is to be divisible by it; F is the last channels by what is left of the
    height. What lies past a picture's own width is 0 in all layers, as past the edge of a picture
    that is alone, so that other pictures of a batch do not matter; for the statistics of the
    normalisation in training it counts as paper. After the convolutional part of CRNN (Shi et al.,
    2015).

    height: H. channels: of each convolution, two or more. dropout: of whole channels.
    """

    def __init__(self, height: int, channels: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        pairs = zip([1, *channels], channels, strict=False)
        self.filters = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairs)
        self.norms = nn.ModuleList(map(PictureNorm, channels))
        self.dropout = nn.Dropout2d(dropout)
        for _ in channels:
            height = -(-height // 2)
        self.size = channels[-1] * height

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the steps [T, B, F], 0 past each end, and their lengths [B].

        x [B, H, W]: ink, 0 where there is none; lengths [B]: widths of the pictures.
        """
        # In this format convolutions and pooling take half the time on CPUs.
        x = x[:, None].contiguous(memory_format=torch.channels_last)
        for number, (filters, norm) in enumerate(zip(self.filters, self.norms, strict=True)):
            x = norm(filters(x)).relu() * within(x, lengths)
            across = 2 if number < _HALVINGS else 1
            if x.shape[2] % 2:
                x = F.pad(x, (0, 0, 0, 1))
            x = self.dropout(F.max_pool2d(x, (2, across)))
            if across == 2:
                lengths = torch.div(lengths + 1, 2, rounding_mode="floor")
        return x.permute(3, 0, 1, 2).flatten(2), lengths


class PictureNorm(nn.Module):
    """Batch normalisation of x [B, C, H, W] per channel, padding included (as `norm.SequenceNorm`).

    Without the counter of batches of `nn.BatchNorm2d`, of which no average can be taken.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x."""
        return F.batch_norm(
            x, self.mean, self.variance, self.weight, self.bias, self.training, _MOMENTUM
        )


def within(x: Tensor, lengths: Tensor) -> Tensor:
    """Return a mask [B, 1, 1, W] of x [B, C, H, W]: 1 within each picture's width, else 0."""
    places = torch.arange(x.shape[3], device=x.device)
    return (places < lengths.to(x.device)[:, None])[:, None, None].to(x.dtype)


def steps_of(width: int) -> int:
    """Return the number of steps of a picture of this width."""
    return math.ceil(width / STRIDE)

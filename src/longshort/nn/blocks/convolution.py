"""Convolutions over time, applied before recurrent layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.nn.blocks.norm import SequenceNorm

_BETWEEN = 0.2
"""Dropout rate between convolutions."""


class Convolution(nn.Module):
    """A convolution over time and a ReLU: x [T, B, I] becomes [⌈T / stride⌉, B, filters].

    kernel: width of the filters in steps; the longer side of an even kernel looks ahead. Values
    past the end of a sequence count as 0.
    """

    def __init__(self, inputs: int, filters: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.filters = nn.Conv1d(inputs, filters, kernel, stride)
        self.margins = ((kernel - 1) // 2, kernel // 2)
        self.stride = stride

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the output [⌈T / stride⌉, B, filters]."""
        return self.linear(x, lengths).relu()

    def linear(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the output before the ReLU."""
        known = x.masked_fill(beyond(x, lengths)[..., None], 0.0).permute(1, 2, 0)
        found: Tensor = self.filters(F.pad(known, self.margins))
        return found.permute(2, 0, 1)

    def lengths(self, lengths: Tensor) -> Tensor:
        """Return the lengths [B] of the output."""
        return torch.div(lengths + self.stride - 1, self.stride, rounding_mode="floor")


class Convolutions(nn.Module):
    """A stack of convolutions, each with batch normalisation (Wang et al., 2017, "FCN").

    The first has the stride, and a kernel widened by it; each further one is about half as wide as
    the one before.
    """

    def __init__(self, inputs: int, filters: int, kernel: int, count: int, stride: int) -> None:
        super().__init__()
        kernels = [kernel]
        for _ in range(count - 1):
            kernels.append(max(3, (kernels[-1] + 1) // 2))
        kernels[0] = kernel * stride + (kernel * stride + 1) % 2 if stride > 1 else kernel
        widths = [inputs, *[filters] * count]
        strides = [stride, *[1] * (count - 1)]
        self.layers = nn.ModuleList(map(Convolution, widths, [filters] * count, kernels, strides))
        self.norms = nn.ModuleList(SequenceNorm(filters) for _ in kernels)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output [⌈T / stride⌉, B, filters], 0 past each end, and its lengths [B]."""
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            assert isinstance(layer, Convolution)
            x = layer.linear(F.dropout(x, _BETWEEN, self.training) if number else x, lengths)
            lengths = layer.lengths(lengths)
            over = beyond(x, lengths)
            x = norm(x, over).relu().masked_fill(over[..., None], 0.0)
        return x, lengths


def beyond(x: Tensor, lengths: Tensor) -> Tensor:
    """Return a mask [T, B] of the padding of x [T, B, ...], on x's device."""
    return torch.arange(x.shape[0], device=x.device)[:, None] >= lengths.to(x.device)

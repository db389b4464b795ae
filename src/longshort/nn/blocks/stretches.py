"""Shortening of long sequences to the means of equal stretches."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.nn.blocks.convolution import beyond


def stretches(x: Tensor, lengths: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Shorten x [T, B, W] to means [most, B, W] over equal stretches; returns the new lengths.

    The length of a stretch depends only on the sequence's own length, and no shape on the lengths,
    so that the network can be exported.
    """
    lengths = lengths.to(x.device)
    size = torch.div(lengths + most - 1, most, rounding_mode="floor")
    known = x.masked_fill(beyond(x, lengths)[..., None], 0.0)
    count = torch.div(lengths + size - 1, size, rounding_mode="floor")
    steps = torch.arange(x.shape[0], device=x.device)[:, None]
    place = torch.minimum(torch.div(steps, size, rounding_mode="floor"), count - 1)
    total = x.new_zeros(most, *x.shape[1:])
    total = total.scatter_add(0, place[..., None].expand_as(x), known)
    begins = torch.arange(most, device=x.device)[:, None] * size
    sizes = torch.minimum(lengths - begins, size).clamp(min=1)
    return total / sizes[..., None], count

"""Random changes of pictures of lines in training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.nn.blocks.columns import STRIDE

_WIDE, _HIGH, _SLANT, _SHIFT = 0.15, 0.12, 0.35, 0.06
"""Largest logarithms of the sizes, slant in pixels a pixel, and shift as a share of the height."""
_WOBBLE, _EVERY = 1.2, 24
"""Deviation of the wobble in pixels, and pixels between its knots."""
_GAMMA = 0.4
"""Largest logarithm of the power of the contrast."""
_THICK, _MOST = 0.2, 0.7
"""Share of lines that become thicker, as of those that become thinner, and by how much at most."""


def warped(x: Tensor, lengths: Tensor, power: float, least: Tensor) -> tuple[Tensor, Tensor]:
    """Return pictures of lines as another pen might have written them, and their widths [B].

    Size, slant, height on the line, contrast and thickness change by line, and letters wobble along
    it. x [B, H, W]: ink from 0 to 1; lengths [B]: widths; power: strength, 1 is usual; least [B]:
    widths that pictures keep. Random numbers are torch's, on the CPU, whatever the device of x.
    """
    batch, height, _ = x.shape
    wide, high, slant, shift, gamma = power * (2 * torch.rand(5, batch) - 1)
    stretch = (_WIDE * wide).exp()
    widths = torch.maximum((lengths * stretch).round().long(), least).clamp_min(1)
    width = -(-int(widths.max()) // STRIDE) * STRIDE
    knots = width // _EVERY + 2
    wobble = F.interpolate(
        _WOBBLE * power * torch.randn(batch, 2, knots), width, mode="linear", align_corners=True
    )
    middle = (height - 1) / 2
    rows = torch.arange(height)[None, :, None] - middle
    columns = torch.arange(width)[None, None, :] / (widths / lengths)[:, None, None]
    across = columns + _SLANT * slant[:, None, None] * rows + wobble[:, 0, None]
    down = rows * (_HIGH * high).exp()[:, None, None] + wobble[:, 1, None]
    down = down + (middle + _SHIFT * height * shift)[:, None, None]
    found = _sampled(x, across, down).clamp_min(1e-6) ** _on(x, (_GAMMA * gamma).exp())
    found = _penned(found, power) * (torch.arange(width) < widths[:, None])[:, None].to(x.device)
    return found.clamp(0.0, 1.0), widths


def _sampled(x: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Return the pixels of x [B, H, W] at these places [B, H, W'], 0 outside."""
    _, height, width = x.shape
    places = torch.stack([2 * across / max(1, width - 1) - 1, 2 * down / (height - 1) - 1], -1)
    grid = places.to(x.device, x.dtype)
    return F.grid_sample(x[:, None], grid, align_corners=True)[:, 0]


def _penned(x: Tensor, power: float) -> Tensor:
    """Return some lines as written by a thicker pen, and others by a thinner one."""
    drawn, amount = torch.rand(2, len(x))
    amount = _MOST * amount
    thick = _on(x, amount * (drawn < _THICK * power))
    thin = _on(x, amount * (drawn > 1 - _THICK * power))
    return x + thick * (_widened(x) - x) - thin * (x + _widened(-x))


def _widened(x: Tensor) -> Tensor:
    return F.max_pool2d(x[:, None], 3, 1, 1)[:, 0]


def _on(x: Tensor, values: Tensor) -> Tensor:
    """Return values [B] on the device of x, for its three axes."""
    return values.to(x.device, x.dtype)[:, None, None]

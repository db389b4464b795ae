"""Frames whose parts are moved on, place by place, by weights over displacements.

A step of dynamic filters (De Brabandere et al., 2016), first along the rows and then along the
columns, so that few weights reach far.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def moved_parts(maps: Tensor, down: Tensor, across: Tensor, patch: int) -> Tensor:
    """Return maps [N, C · P · P, Y, X] of patches of P x P pixels, with their pixels moved.

    down, across [N, 2 R + 1, Y, X]: for each place the weights of displacements from -R to R
    pixels; a weight of displacement d takes what was d rows above, or d columns to the left. Pixels
    outside are 0.
    """
    pixels = _unfolded(maps, patch)
    for axis, weights in ((2, down), (3, across)):
        pixels = _moved(pixels, weights, axis, patch)
    return _folded(pixels, patch)


def _moved(pixels: Tensor, weights: Tensor, axis: int, patch: int) -> Tensor:
    """Return pixels [N, C, H, W] moved along an axis by weights [N, 2 R + 1, Y, X]."""
    reach, size = weights.size(1) // 2, pixels.size(axis)
    edges = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
    wide = F.pad(pixels, edges)
    rows, columns = weights.shape[2:]
    places = (*pixels.shape[:2], rows, patch, columns, patch)
    found = pixels.new_zeros(places)
    for number in range(2 * reach + 1):
        part = wide.narrow(axis, 2 * reach - number, size).reshape(places)
        found = found + part * weights[:, number, None, :, None, :, None]
    return found.view_as(pixels)


def _unfolded(maps: Tensor, patch: int) -> Tensor:
    """Return pixels [N, C, Y · P, X · P]."""
    count, _, rows, columns = maps.shape
    parts = maps.reshape(count, -1, patch, patch, rows, columns).permute(0, 1, 4, 2, 5, 3)
    return parts.reshape(count, -1, rows * patch, columns * patch)


def _folded(pixels: Tensor, patch: int) -> Tensor:
    """Return maps [N, C · P · P, Y, X]; the inverse of `_unfolded`."""
    count, _, height, width = pixels.shape
    rows, columns = height // patch, width // patch
    parts = pixels.reshape(count, -1, rows, patch, columns, patch).permute(0, 1, 3, 5, 2, 4)
    return parts.reshape(count, -1, rows, columns)

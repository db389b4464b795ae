"""Frames whose parts move on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.nn.blocks.motion import moved_parts

REACH, PATCH = 2, 4


def only(displacement: int) -> Tensor:
    """Weights [1, 5, 2, 3] of one displacement at all places."""
    found = torch.zeros(1, 2 * REACH + 1, 2, 3)
    found[:, REACH + displacement] = 1.0
    return found


def folded(pixels: Tensor) -> Tensor:
    """Maps of pixels [N, C, H, W]."""
    return F.pixel_unshuffle(pixels, PATCH)


def test_one_displacement_moves_the_whole_frame_with_black_from_outside() -> None:
    frame = torch.rand(1, 2, 8, 12)
    found = moved_parts(folded(frame), only(2), only(-1), PATCH)
    wanted = torch.zeros_like(frame)
    wanted[:, :, 2:, :-1] = frame[:, :, :-2, 1:]
    torch.testing.assert_close(F.pixel_shuffle(found, PATCH), wanted, rtol=0, atol=0)


def test_each_place_moves_by_its_own_weights() -> None:
    frame = torch.rand(1, 1, 8, 12)
    down, across = only(0), only(0)
    across[:, :, 1, 2] = torch.tensor([0.0, 0.25, 0.0, 0.0, 0.75])
    found = F.pixel_shuffle(moved_parts(folded(frame), down, across, PATCH), PATCH)
    wanted = frame.clone()
    moved = 0.75 * frame[..., 4:8, 6:10]
    moved[..., :3] += 0.25 * frame[..., 4:8, 9:12]
    wanted[..., 4:8, 8:12] = moved
    torch.testing.assert_close(found, wanted)


def test_gradients_are_those_of_finite_differences() -> None:
    draw = torch.Generator().manual_seed(0)
    maps, *weights = (
        torch.rand(1, count, 2, 3, generator=draw, dtype=torch.float64, requires_grad=True)
        for count in (16, 5, 5)
    )
    assert torch.autograd.gradcheck(lambda *each: moved_parts(*each, PATCH), (maps, *weights))

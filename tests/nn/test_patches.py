"""Several steps of a sequence as one."""

from __future__ import annotations

import torch

from longshort.nn.blocks.patches import patches


def test_a_patch_has_its_steps_side_by_side() -> None:
    x = torch.arange(10.0).view(5, 1, 2)
    wide, lengths = patches(x, torch.tensor([5]), 2)
    assert wide[:, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]]
    assert lengths.tolist() == [3]


def test_lengths_are_rounded_up() -> None:
    _, lengths = patches(torch.zeros(8, 4, 1), torch.tensor([1, 4, 5, 8]), 4)
    assert lengths.tolist() == [1, 1, 2, 2]


def test_a_patch_of_one_step_is_the_sequence() -> None:
    x = torch.randn(5, 2, 3)
    assert patches(x, torch.tensor([5, 4]), 1)[0] is x

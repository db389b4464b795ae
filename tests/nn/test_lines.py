"""Blocks for lines: columns of pictures, and random changes of pictures and strokes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort.data.strokes.features import features
from longshort.data.strokes.ink import ink_of_strokes
from longshort.nn.blocks.columns import STRIDE, Columns, steps_of
from longshort.nn.blocks.turned import turned
from longshort.nn.blocks.warp import warped


def ink(batch: int = 3, height: int = 20, width: int = 64) -> torch.Tensor:
    """Pictures with a vertical stroke each, all in one place."""
    found = torch.zeros(batch, height, width)
    found[:, 4:16, 30:33] = 1.0
    return found


@pytest.mark.parametrize("height", [16, 20, 37])
@pytest.mark.parametrize("channels", [(4, 6), (4, 6, 8), (3, 4, 5, 6)])
def test_columns_become_steps(height: int, channels: tuple[int, ...]) -> None:
    block = Columns(height, channels).eval()
    lengths = torch.tensor([64, 61, 5])
    steps, after = block(torch.rand(3, height, 64), lengths)
    assert steps.shape == (64 // STRIDE, 3, block.size)
    assert after.tolist() == [steps_of(int(n)) for n in lengths]
    for row, end in enumerate(after.tolist()):
        assert not steps[end:, row].any()


def test_wider_pictures_of_a_batch_do_not_matter() -> None:
    block = Columns(20, (4, 6, 8))
    block(torch.rand(4, 20, 64), torch.full((4,), 64))  # statistics that are no longer the first
    block.eval()
    narrow = torch.rand(1, 20, 40)
    narrow[:, :, 37:] = 0
    alone, _ = block(narrow, torch.tensor([37]))
    wide = torch.zeros(2, 20, 64)
    wide[0, :, :40], wide[1] = narrow[0], torch.rand(20, 64)
    together, _ = block(wide, torch.tensor([37, 64]))
    torch.testing.assert_close(together[:10, :1], alone)


def test_without_strength_nothing_changes() -> None:
    x, lengths = ink(), torch.tensor([64, 60, 52])
    found, widths = warped(x, lengths, 0.0, torch.zeros(3, dtype=torch.long))
    assert widths.tolist() == lengths.tolist()
    torch.testing.assert_close(found, x, atol=1e-4, rtol=0)


def test_pictures_change_and_stay_pictures() -> None:
    torch.manual_seed(0)
    x, lengths = ink(40), torch.full((40,), 64)
    found, widths = warped(x, lengths, 1.0, torch.zeros(40, dtype=torch.long))
    assert found.min() >= 0 and found.max() <= 1
    assert found.shape[2] % STRIDE == 0 and found.shape[2] >= int(widths.max())
    for row, width in enumerate(widths.tolist()):
        assert not found[row, :, width:].any()
    assert 50 < int(widths.min()) < 64 < int(widths.max()) < 80
    totals = found.sum((1, 2))
    assert totals.std() > 2 and totals.min() > 5
    again, _ = warped(x, lengths, 1.0, torch.zeros(40, dtype=torch.long))
    assert not torch.equal(again[:, :, :40], found[:, :, :40])


def test_pictures_keep_the_width_that_their_text_needs() -> None:
    torch.manual_seed(0)
    least = torch.full((40,), 64)
    _, widths = warped(ink(40), torch.full((40,), 64), 2.0, least)
    assert int(widths.min()) == 64


def test_the_same_seed_changes_pictures_alike() -> None:
    x, lengths, least = ink(), torch.tensor([64, 60, 52]), torch.zeros(3, dtype=torch.long)
    torch.manual_seed(3)
    first = warped(x, lengths, 1.0, least)
    torch.manual_seed(3)
    for one, other in zip(first, warped(x, lengths, 1.0, least), strict=True):
        assert torch.equal(one, other)


def strokes() -> torch.Tensor:
    """Features [T, 2, 8] of two strokes, with padding in the second sample."""
    points = [[[0, 0], [1, 0], [2, 1]], [[3, 0], [3, 2]]]
    found = features(ink_of_strokes(points, "x"))
    padded = np.zeros((7, 2, found.shape[1]), dtype=np.float32)
    padded[:5, 0] = padded[:5, 1] = found
    return torch.from_numpy(padded)


def test_strokes_are_turned_around_their_middle() -> None:
    torch.manual_seed(0)
    x = strokes()
    found = turned(x, 1.0)
    assert found.shape == x.shape and not found[5:].any()
    assert torch.equal(found[..., 2], x[..., 2])
    lengths = found[..., 5:7].norm(dim=-1)
    torch.testing.assert_close(lengths, x[..., 5:7].norm(dim=-1))
    assert not torch.allclose(found[:, 0, :2], found[:, 1, :2])
    moved = (found[:5, 0, :2] - x[:5, 0, :2]).abs().max()
    assert 0.01 < float(moved) < 2


def test_strokes_without_strength_stay_as_they_are() -> None:
    torch.testing.assert_close(turned(strokes(), 0.0), strokes())

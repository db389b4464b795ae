"""The transducer's loss against all paths, and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from longshort.nn.blocks.transducer import transducer_loss

LABELS = [[1, 2, 1], [2, 2], [], [1]]
LENGTHS = torch.tensor([3, 2, 3, 1])
COUNTS = torch.tensor([len(each) for each in LABELS])


def padded() -> Tensor:
    return torch.tensor([each + [0] * (3 - len(each)) for each in LABELS]).long()


def scores() -> Tensor:
    """For three frames, up to three labels and three classes."""
    draw = torch.Generator().manual_seed(1)
    return torch.randn(4, 3, 4, 3, dtype=torch.float64, generator=draw)


def paths(logs: Tensor, labels: list[int], t: int, u: int) -> list[Tensor]:
    """Log probabilities of all paths from a frame and a place in the text to the end."""
    found = []
    if u < len(labels):
        step = logs[t, u, labels[u]]
        found += [step + rest for rest in paths(logs, labels, t, u + 1)]
    if t < len(logs) - 1:
        found += [logs[t, u, 0] + rest for rest in paths(logs, labels, t + 1, u)]
    elif u == len(labels):
        found.append(logs[t, u, 0])
    return found


def test_the_loss_is_that_of_all_paths() -> None:
    given = scores()
    found = transducer_loss(given, padded(), LENGTHS, COUNTS)
    for b, labels in enumerate(LABELS):
        logs = given[b, : LENGTHS[b]].log_softmax(2)
        expected = -torch.stack(paths(logs, labels, 0, 0)).logsumexp(0)
        assert found[b].item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_gradient_is_that_of_finite_differences() -> None:
    rest = (padded(), LENGTHS, COUNTS)
    assert torch.autograd.gradcheck(
        lambda each: transducer_loss(each, *rest), (scores().requires_grad_(),)
    )


def test_float32_is_near_float64() -> None:
    draw = torch.Generator().manual_seed(3)
    given = 2 * torch.randn(3, 60, 21, 12, dtype=torch.float64, generator=draw)
    labels = torch.randint(1, 12, (3, 20), generator=draw)
    lengths, counts = torch.tensor([60, 44, 50]), torch.tensor([20, 7, 0])
    found = []
    for dtype in (torch.float64, torch.float32):
        each = given.to(dtype, copy=True).requires_grad_()
        losses = transducer_loss(each, labels, lengths, counts)
        found.append((losses.double(), torch.autograd.grad(losses.sum(), each)[0].double()))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-5, atol=0)
    torch.testing.assert_close(found[1][1], found[0][1], rtol=0, atol=1e-3)


def test_padding_changes_nothing() -> None:
    given = scores()
    whole = transducer_loss(given, padded(), LENGTHS, COUNTS)
    given[1, 2:] = 50.0
    given[1, :, 3:] = -50.0
    torch.testing.assert_close(transducer_loss(given, padded(), LENGTHS, COUNTS), whole)

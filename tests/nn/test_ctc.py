"""Connectionist temporal classification against all paths, finite differences and torch."""

from __future__ import annotations

from itertools import groupby, product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from longshort.errors import ArgumentError
from longshort.nn.blocks.ctc import ctc_loss, in_numpy

LABELS = [[1, 2, 1], [1, 1], [], [2], [2, 2, 2]]
"""With repeats, and with none."""
LENGTHS = torch.tensor([5, 3, 4, 1, 5])
COUNTS = torch.tensor([len(each) for each in LABELS])


def padded(labels: list[list[int]]) -> Tensor:
    most = max(map(len, labels))
    return torch.tensor([each + [7] * (most - len(each)) for each in labels]).long()


def scores(*shape: int, scale: float = 1.0) -> Tensor:
    noise = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return scale * noise


def spelt(path: tuple[int, ...], blank: int) -> list[int]:
    return [label for label, _ in groupby(path) if label != blank]


def summed_over_all_paths(logs: Tensor, labels: list[int], blank: int) -> float:
    frames, classes = logs.shape
    ways = (p for p in product(range(classes), repeat=frames) if spelt(p, blank) == labels)
    return -float(
        torch.stack([logs[range(frames), list(path)].sum() for path in ways]).logsumexp(0)
    )


@pytest.mark.parametrize("blank", [0, 3])
def test_the_loss_is_that_of_all_paths(blank: int) -> None:
    given = scores(5, 5, 4)
    found = ctc_loss(given, padded(LABELS), LENGTHS, COUNTS, blank=blank)
    logs = given.log_softmax(2)
    for b, labels in enumerate(LABELS):
        expected = summed_over_all_paths(logs[: LENGTHS[b], b], labels, blank)
        assert found[b].item() == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_that_of_finite_differences() -> None:
    given = scores(5, 5, 4).requires_grad_()
    rest = (padded(LABELS), LENGTHS, COUNTS)
    assert torch.autograd.gradcheck(lambda each: ctc_loss(each, *rest), (given,))


def case(frames: int, batch: int, classes: int, labels: int) -> tuple[Tensor, ...]:
    """Scores, labels and the lengths of both, of a batch of different lengths."""
    draw = torch.Generator().manual_seed(2)
    counts = torch.randint(0, labels + 1, (batch,), generator=draw)
    lengths = torch.randint(2 * labels, frames + 1, (batch,), generator=draw)
    lengths[0] = frames
    targets = torch.randint(1, classes, (batch, labels), generator=draw)
    return scores(frames, batch, classes, scale=3.0), targets, lengths, counts


@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-11), (torch.float32, 2e-4)])
@pytest.mark.parametrize("shape", [(60, 5, 6, 12), (150, 16, 29, 24), (300, 3, 90, 60)])
def test_loss_and_gradient_are_those_of_torch(
    shape: tuple[int, int, int, int], dtype: torch.dtype, near: float
) -> None:
    given, *rest = case(*shape)
    ours = given.to(dtype, copy=True).requires_grad_()
    theirs = given.requires_grad_()
    losses = ctc_loss(ours, *rest)
    expected = F.ctc_loss(theirs.log_softmax(2), *rest, reduction="none")
    assert losses.dtype == dtype
    torch.testing.assert_close(losses.double(), expected, rtol=near, atol=0)
    weights = torch.linspace(0.2, 1.0, shape[1], dtype=torch.float64)
    found = torch.autograd.grad(losses @ weights.to(dtype), ours)[0]
    wanted = torch.autograd.grad(expected @ weights, theirs)[0]
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=near)


def test_the_loss_is_the_same_without_a_gradient() -> None:
    given, *rest = case(40, 4, 6, 9)
    with torch.no_grad():
        alone = ctc_loss(given, *rest)
    torch.testing.assert_close(alone, ctc_loss(given.requires_grad_(), *rest).detach())


def test_confident_scores_lose_nothing_in_float32() -> None:
    """A path of probability exp(-30,000) still has a finite loss and its gradient."""
    given = torch.zeros(300, 1, 3)
    given[..., 0] = 200.0
    labels, lengths = torch.tensor([[1, 2] * 75]), torch.tensor([300])
    loss = ctc_loss(given.requires_grad_(), labels, lengths, torch.tensor([150])).sum()
    assert 29_000 < loss.item() < 30_010
    gradient = torch.autograd.grad(loss, given)[0]
    assert gradient[..., 1:].sum().item() == pytest.approx(-150, rel=1e-3)


def test_frames_and_labels_of_the_padding_change_nothing() -> None:
    given, labels, lengths, counts = case(40, 4, 6, 9)
    whole = ctc_loss(given, labels, lengths, counts)
    given[lengths[1] :, 1] = 1e4
    labels[1, counts[1] :] = -100
    torch.testing.assert_close(ctc_loss(given, labels, lengths, counts), whole)


@pytest.mark.parametrize(
    ("labels", "frames", "said"),
    [
        ([1, 1], 2, "lengths: sample 0 of the batch has too few frames for its labels"),
        ([1, 2], 9, "lengths: numbers from 1 to 5 are expected, got 9 to 9"),
        ([1, 2], 0, "lengths: numbers from 1 to 5 are expected, got 0 to 0"),
        ([1, 0], 5, "labels: numbers from 0 to 3 without the blank's, 0, are expected, got 0"),
        ([1, 4], 5, "labels: numbers from 0 to 3 without the blank's, 0, are expected, got 4"),
    ],
)
def test_what_cannot_be_is_refused(labels: list[int], frames: int, said: str) -> None:
    count = torch.tensor([len(labels)])
    with pytest.raises(ArgumentError, match=said):
        ctc_loss(scores(5, 1, 4), torch.tensor([labels]), torch.tensor([frames]), count)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"labels": slice(2)},
            r"labels: the shape \[3, U\] is expected, for 3 samples, got \[2, 9\]",
        ),
        ({"lengths": slice(1)}, r"lengths: the shape \[3\] is expected"),
        ({"counts": slice(2)}, r"label_lengths: the shape \[3\] is expected"),
        ({"blank": 9}, "blank: a class from 0 to 5 is expected, got 9"),
        ({"blank": -1}, "blank: a class from 0 to 5 is expected, got -1"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(changed: dict[str, Any], said: str) -> None:
    given, labels, lengths, counts = case(40, 3, 6, 9)
    every = slice(None)
    parts = (
        labels[changed.get("labels", every)],
        lengths[changed.get("lengths", every)],
        counts[changed.get("counts", every)],
    )
    with pytest.raises(ArgumentError, match=said):
        ctc_loss(given, *parts, blank=changed.get("blank", 0))
    with pytest.raises(ArgumentError, match="scores: three axes"):
        ctc_loss(given[0], labels, lengths, counts)
    with pytest.raises(ArgumentError, match=r"labels: the shape \[3, U\]"):
        ctc_loss(given, labels[0], lengths, counts)


def test_labels_that_scores_exclude_are_told_from_too_few_frames() -> None:
    given = scores(5, 1, 4)
    given[..., 2] = -torch.inf
    rest = (torch.tensor([[1, 2]]), torch.tensor([5]), torch.tensor([2]))
    with pytest.raises(ArgumentError, match="scores: sample 0 of the batch gives its labels the"):
        ctc_loss(given, *rest)


# Both ways to compute it

_native = pytest.importorskip("longshort._native", exc_type=ImportError)
DTYPES = pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 3e-4)])


@DTYPES
@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("shape", [(60, 5, 6, 12), (150, 16, 29, 24), (9, 3, 2, 0)])
def test_numpy_and_the_native_module_agree(
    shape: tuple[int, int, int, int], isa: str, dtype: torch.dtype, near: float
) -> None:
    from longshort.engine.executors.native.ctc import losses_and_gradient

    given, *rest = case(*shape)
    found = losses_and_gradient(given.to(dtype), *rest, 0, isa=isa)
    expected = in_numpy(given.to(dtype), *rest, 0)
    torch.testing.assert_close(found[0], expected[0].double(), rtol=near, atol=near)
    torch.testing.assert_close(found[1], expected[1], rtol=0, atol=near)


def test_long_inputs_lose_no_digits_in_float32() -> None:
    """Sums of logarithms that grow with time would."""
    given, *rest = case(3000, 2, 29, 600)
    exact = ctc_loss(given, *rest)
    rounded = ctc_loss(given.float(), *rest)
    torch.testing.assert_close(rounded.double(), exact, rtol=2e-7, atol=0)


def test_threads_change_no_bit() -> None:
    given, *rest = case(60, 5, 6, 12)
    found = []
    for threads in (1, 3):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        scores = given.clone().requires_grad_()
        found.append(torch.autograd.grad(ctc_loss(scores, *rest).sum(), scores)[0])
        torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_not_hidden(wrong: float) -> None:
    given, *rest = case(40, 4, 6, 9)
    given[3, 1, 2] = wrong
    assert ctc_loss(given, *rest).isnan().tolist() == [False, True, False, False]


def test_half_precision_is_computed_in_float32() -> None:
    given, *rest = case(40, 4, 6, 9)
    half = given.bfloat16().requires_grad_()
    losses = ctc_loss(half, *rest)
    assert losses.dtype == torch.bfloat16
    expected = ctc_loss(half.detach().float(), *rest)
    torch.testing.assert_close(losses, expected.bfloat16())
    assert torch.autograd.grad(losses.sum(), half)[0].dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sizes": [4, 1, 3, 2], "lengths": 5}, "the lengths must lie between"),
        ({"counts": 3}, "the numbers of labels must lie between"),
        ({"labels": 3}, "the labels have to be classes"),
        ({"blank": 3}, "the blank has to be one of the classes"),
        ({"sizes": [4, -1, 3, 2]}, "is negative"),
        ({"sizes": [4, 1, 3]}, "sizes are frames, batch, classes and labels"),
    ],
)
def test_the_native_module_checks_before_it_reads(changed: dict[str, Any], said: str) -> None:
    given = {"sizes": [4, 1, 3, 2], "lengths": 4, "counts": 2, "labels": 1, "blank": 0} | changed
    scores, losses = torch.zeros(4, 1, 3), torch.zeros(1, dtype=torch.float64)
    labels = torch.full((1, 2), given["labels"])
    lengths, counts = torch.tensor([given["lengths"]]), torch.tensor([given["counts"]])
    addresses = [each.data_ptr() for each in (scores, labels, lengths, counts, losses)]
    with pytest.raises(ValueError, match=said):
        _native.ctc(False, given["sizes"], *addresses, 0, given["blank"], 1)

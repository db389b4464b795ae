"""The random field and the spelling vectors, against brute force."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from longshort.nn.blocks.characters import CharacterCNN, CharacterLSTM
from longshort.nn.blocks.crf import CRF, bioes_rules
from longshort.runtime.paths import best_paths

TAGS = ["O", "B-x", "I-x", "E-x", "S-x"]
LENGTHS = torch.tensor([4, 1, 3])


def field(rules: dict[str, Tensor] | None = None, tags: int = 5) -> CRF:
    torch.manual_seed(3)
    crf = CRF(tags, **(rules or {})).double()
    for weight in crf.parameters():
        torch.nn.init.normal_(weight)
    return crf


def emissions(tags: int = 5) -> Tensor:
    return torch.randn(4, 3, tags, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def path_score(crf: CRF, scores: Tensor, path: tuple[int, ...]) -> float:
    """Of one path under scores [T, K]; forbidden ones count as minus infinity."""
    if not crf.first[path[0]] or not crf.last[path[-1]]:
        return -float("inf")
    total = crf.start[path[0]] + crf.end[path[-1]]
    for before, after in pairwise(path):
        if not crf.allowed[before, after]:
            return -float("inf")
        total = total + crf.transitions[before, after]
    return float(total + sum(scores[t, tag] for t, tag in enumerate(path)))


def paths_of(crf: CRF, scores: Tensor, lengths: Tensor) -> list[list[int]]:
    weights = [each.detach().numpy() for each in crf.weights()]
    return best_paths(scores.numpy().astype(float), lengths.numpy(), *weights)


def all_paths(crf: CRF, scores: Tensor, length: int) -> dict[tuple[int, ...], float]:
    paths = product(range(scores.size(1)), repeat=length)
    return {path: path_score(crf, scores, path) for path in paths}


@pytest.mark.parametrize("rules", [None, bioes_rules(TAGS)], ids=["free", "bioes"])
@torch.no_grad()
def test_partition_and_best_path_are_those_of_all_paths(rules: dict[str, Tensor] | None) -> None:
    crf, scores = field(rules), emissions()
    partition = crf.log_partition(scores, LENGTHS)
    best = paths_of(crf, scores, LENGTHS)
    for b, length in enumerate(LENGTHS.tolist()):
        found = all_paths(crf, scores[:, b], length)
        exact = torch.tensor(list(found.values()), dtype=torch.float64).logsumexp(0)
        torch.testing.assert_close(partition[b], exact, rtol=1e-12, atol=1e-12)
        assert tuple(best[b]) == max(found, key=lambda path: found[path])


@torch.no_grad()
def test_likelihoods_of_all_paths_are_one_in_sum() -> None:
    crf, scores = field(bioes_rules(TAGS)), emissions()
    total = 0.0
    for path in product(range(5), repeat=3):
        tags = torch.tensor(path)[:, None]
        total += float((-crf(scores[:3, :1], tags, torch.tensor([3]))).exp())
    assert total == pytest.approx(1.0, abs=1e-12)


def test_gradients_are_those_of_finite_differences() -> None:
    crf = field(bioes_rules(TAGS))
    tags = torch.tensor([[0, 4, 1], [1, 0, 2], [3, 0, 3], [0, 0, 0]])
    scores = emissions().requires_grad_()
    names = [name for name, _ in crf.named_parameters()]

    def loss(scores: Tensor, *weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(crf, given, (scores, tags, LENGTHS))

    assert torch.autograd.gradcheck(loss, (scores, *crf.parameters()))


@torch.no_grad()
def test_padding_is_never_seen() -> None:
    crf, scores = field(), emissions()
    other = scores.clone()
    other[1:, 1], other[3:, 2] = 1e6, float("nan")
    tags = torch.ones(4, 3, dtype=torch.int64)
    assert paths_of(crf, scores, LENGTHS) == paths_of(crf, other, LENGTHS)
    torch.testing.assert_close(
        crf.log_partition(scores, LENGTHS), crf.log_partition(other, LENGTHS), rtol=0, atol=0
    )
    other[3:, 2] = -1e6
    torch.testing.assert_close(
        crf(scores, tags, LENGTHS), crf(other, tags, LENGTHS), rtol=0, atol=1e-9
    )


@torch.no_grad()
def test_scores_far_apart_lose_nothing() -> None:
    crf = field()
    scores = emissions() * 100
    found = all_paths(crf, scores[:, 0], 4)
    exact = torch.tensor(list(found.values()), dtype=torch.float64).logsumexp(0)
    torch.testing.assert_close(crf.log_partition(scores, LENGTHS)[0], exact, rtol=1e-12, atol=0)
    assert torch.isfinite(crf.log_partition(scores, LENGTHS)).all()


@pytest.mark.parametrize("gap", [650.0, 720.0, 2000.0])
def test_a_tag_reached_only_from_far_below_keeps_its_paths(gap: float) -> None:
    crf = CRF(2, allowed=torch.tensor([[True, False], [True, True]]))
    scores = torch.tensor([[[0.0, -gap]], [[-3 * gap, 0.0]]], dtype=torch.float64)
    scores.requires_grad_()
    loss = crf(scores, torch.tensor([[1], [1]]), torch.tensor([2]))
    torch.autograd.backward(loss.sum())
    torch.testing.assert_close(loss.detach(), torch.zeros(1, dtype=torch.float64))
    assert torch.isfinite(scores.grad).all()


def test_forbidden_neighbours_never_come_out() -> None:
    crf = field(bioes_rules(TAGS))
    scores = torch.randn(30, 40, 5, generator=torch.Generator().manual_seed(0)).double() * 5
    for path in paths_of(crf, scores, torch.full((40,), 30)):
        tags = [TAGS[i] for i in path]
        assert tags[0] in ("O", "B-x", "S-x") and tags[-1] in ("O", "E-x", "S-x")
        for before, after in pairwise(tags):
            assert (before[0] in "BI") == (after[0] in "IE")


def test_what_may_stand_beside_what() -> None:
    rules = bioes_rules(["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y"])
    assert rules["allowed"][1].tolist() == [False, False, True, True, False, False, False]
    assert rules["allowed"][0].tolist() == [True, True, False, False, True, True, False]
    assert rules["first"].tolist() == [True, True, False, False, True, True, False]
    assert rules["last"].tolist() == [True, False, False, True, True, False, False]


@pytest.mark.parametrize("kind", [CharacterCNN, CharacterLSTM])
@torch.no_grad()
def test_a_spelling_s_vector_is_its_own(kind: type[CharacterCNN] | type[CharacterLSTM]) -> None:
    torch.manual_seed(0)
    block = kind(9, 4, 6).eval()
    short, long = torch.tensor([[3], [4]]), torch.tensor([[3, 5], [4, 6], [0, 7], [0, 8]])
    alone = block(short, torch.tensor([2]))
    beside = block(long, torch.tensor([2, 4]))
    assert alone.shape == (1, 6)
    torch.testing.assert_close(alone[0], beside[0])
    turned = block(torch.tensor([[4], [3]]), torch.tensor([2]))
    assert not torch.allclose(alone, turned)

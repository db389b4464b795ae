"""Deletion curves and agreement of attributions that are right, wrong, or empty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from longshort.explanation.checks import further_checks, shuffled
from longshort.explanation.faithfulness import agreement, deletion
from longshort.explanation.gradients import integrated_gradients
from longshort.explanation.methods import METHODS, attribute
from longshort.metrics.ranks import ranks, spearman
from tests.explanation.questions import one_row, question

WEIGHTS = torch.tensor([5.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], dtype=torch.float64)


def test_deletion_prefers_what_the_answer_rests_on() -> None:
    none = np.zeros((1, 10, 1))
    asked = question(lambda x: x[:, :, 0] @ WEIGHTS, np.ones((10, 1)), others=none)
    right = integrated_gradients(asked, "mean", 0)
    wrong = replace(right, values=-right.values)
    assert deletion(asked, right, 0).gain > 0.05 > 0 > deletion(asked, wrong, 0).gain


def test_deletion_repeats_with_its_seed() -> None:
    asked = one_row().asked
    found = integrated_gradients(asked, "mean", 0)
    assert deletion(asked, found, 5).gain == deletion(asked, found, 5).gain


def test_ranks_of_equal_values_are_their_mean() -> None:
    np.testing.assert_array_equal(ranks(np.array([3.0, 1.0, 3.0, 2.0])), [3.5, 1.0, 3.5, 2.0])
    assert spearman(np.array([1.0, 2.0, 9.0]), np.array([2.0, 5.0, 6.0])) == pytest.approx(1.0)
    assert np.isnan(spearman(np.array([1.0, 1.0]), np.array([1.0, 2.0])))


@pytest.mark.parametrize("name", ["ig", "lrp", "cd"])
def test_methods_agree_on_a_small_network(name: str) -> None:
    subject = one_row()
    own = attribute(name, subject, subject.asked, "zero", 0)
    tolerance = METHODS[name].tolerance
    assert tolerance is not None and own.completeness <= tolerance
    other = attribute("occlusion", subject, subject.asked, "zero", 0)
    assert agreement(own, other, subject.asked) > 0.9


def test_relevance_of_a_row_alone_is_that_in_any_company() -> None:
    """Other rows of a batch, or their order, change nothing."""
    subject = one_row(seed=5)
    x = torch.randn(4, 9, 2, dtype=torch.float64)
    together = subject.network(x)
    alone = torch.cat([subject.network(each[None]) for each in x])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


def test_random_weights_give_another_map_and_are_put_back() -> None:
    subject = one_row(seed=1, steps=40)
    before = [value.clone() for value in subject.network.parameters()]
    found = {"ig": integrated_gradients(subject.asked, "permute", 0)}
    checks = {name: text for name, _, text in further_checks(subject, subject.asked, found, 0)}
    assert "random weights" in checks["ig: random weights"] and "another seed" in checks["ig: seed"]
    for own, value in zip(before, subject.network.parameters(), strict=True):
        assert torch.equal(own, value)
    with shuffled(subject.network, 0):
        assert not torch.equal(before[0], next(iter(subject.network.parameters())))

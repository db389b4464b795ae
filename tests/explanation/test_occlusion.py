"""Occlusion and Shapley values of functions whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from longshort.explanation.occlusion import occlusion, shapley
from tests.explanation.questions import question


def interacting(x: Tensor) -> Tensor:
    """A product of two cells, and a third one."""
    return x[:, 0, 0] * x[:, 1, 0] + x[:, 2, 0]


def test_occlusion_is_what_the_answer_loses() -> None:
    asked = question(
        lambda x: x[:, 0, 0] * x[:, 1, 0] + x[:, 2, 0], np.array([[2.0], [3.0], [5.0]])
    )
    found = occlusion(asked, "zero", 0)
    np.testing.assert_allclose(found.values, [[6.0], [6.0], [5.0]])
    assert found.completeness == pytest.approx(6.0 / 11.0)


def test_a_block_shares_its_value_among_its_cells() -> None:
    asked = question(lambda x: x.sum((1, 2)), np.arange(96.0).reshape(96, 1))
    values = occlusion(asked, "zero", 0).values
    np.testing.assert_allclose(values[:4, 0], [0.5, 0.5, 2.5, 2.5])


def test_tokens_are_hidden_one_by_one() -> None:
    asked = question(lambda x: x[:, 10, 0], np.ones((200, 1)), is_text=True)
    values = occlusion(asked, "mean", 0).values
    assert values[10, 0] == 1.0 and np.count_nonzero(values) == 1


def test_shapley_values_share_an_interaction_and_add_up() -> None:
    asked = question(
        lambda x: x[:, 0, 0] * x[:, 1, 0] + x[:, 2, 0], np.array([[2.0], [3.0], [5.0]])
    )
    found = shapley(asked, "zero", 0)
    np.testing.assert_allclose(found.values, [[3.0], [3.0], [5.0]])
    assert found.completeness < 1e-12


def test_shapley_values_add_up_whatever_the_baseline() -> None:
    torch.manual_seed(0)
    weights = torch.randn(30, 2, dtype=torch.float64)
    inputs = np.random.default_rng(0).normal(size=(30, 2))
    asked = question(lambda x: torch.tanh((x * weights).sum((1, 2))), inputs)
    found = shapley(asked, "permute", 1)
    assert found.completeness < 1e-9 and found.seed == 1

"""Integrated gradients and gradient times input: known answers, and Captum's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from longshort.errors import ConfigError
from longshort.explanation.baselines import baseline_inputs
from longshort.explanation.gradients import gradient_times_input, integrated_gradients
from tests.explanation.questions import one_row, question


def test_of_a_linear_function_both_are_its_terms() -> None:
    weights = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    asked = question(lambda x: (x * weights).sum((1, 2)) + 5.0, np.array([[1.0, 2.0], [3.0, 4.0]]))
    for found in (integrated_gradients(asked, "zero", 0), gradient_times_input(asked, "zero", 0)):
        np.testing.assert_allclose(found.values, [[1.0, -4.0], [1.5, 12.0]], rtol=1e-12)
        assert found.reference == 5.0
        assert found.completeness < 1e-12


def test_of_a_product_each_factor_gets_half() -> None:
    asked = question(lambda x: x[:, 0, 0] * x[:, 1, 0], np.array([[3.0], [4.0]]))
    np.testing.assert_allclose(integrated_gradients(asked, "zero", 0).values, [[6.0], [6.0]])


def test_points_are_doubled_until_the_sum_is_complete() -> None:
    asked = question(lambda x: torch.sigmoid(400 * (x[:, 0, 0] - 0.5)), np.array([[1.003]]))
    found = integrated_gradients(asked, "zero", 0)
    assert found.completeness <= 0.01 and found.note == "256 points"
    step = question(lambda x: (x[:, 0, 0] > 0.5).double() + 0 * x[:, 0, 0], np.array([[1.0]]))
    never = integrated_gradients(step, "zero", 0)
    assert never.note == "4096 points" and never.completeness == pytest.approx(1.0)


def test_expected_gradients_start_from_training_rows_and_repeat_with_their_seed() -> None:
    asked = one_row().asked
    first, again = (integrated_gradients(asked, "permute", 3) for _ in range(2))
    assert first.seed == 3 and first.completeness < 0.01
    np.testing.assert_array_equal(first.values, again.values)


def test_cells_that_the_network_does_not_read_get_exactly_0() -> None:
    exists = np.array([[True, True], [True, False]])
    asked = question(lambda x: (x**2).sum((1, 2)), np.ones((2, 2)), exists=exists)
    for found in (integrated_gradients(asked, "mean", 0), gradient_times_input(asked, "mean", 0)):
        assert found.values[1, 1] == 0.0 and (found.values[exists] != 0).all()
    assert (baseline_inputs(asked, "permute", 0)[:, 1, 1] == 1.0).all()


def test_permuting_needs_training_rows() -> None:
    asked = question(lambda x: x.sum((1, 2)), np.ones((2, 1)), others=np.zeros((0, 2, 1)))
    with pytest.raises(ConfigError, match="'permute' takes rows of the run's training split"):
        integrated_gradients(asked, "permute", 0)


def test_integrated_gradients_are_those_of_captum() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    subject = one_row(seed=4, steps=12, features=3, layers=2)
    own = integrated_gradients(subject.asked, "zero", 0)
    x = torch.from_numpy(subject.asked.inputs)[None]
    oracle = captum.IntegratedGradients(subject.network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same = oracle.attribute(x, 0 * x, n_steps=64, method="riemann_middle")[0].numpy()
        exact = oracle.attribute(x, 0 * x, n_steps=200, method="gausslegendre")[0].numpy()
    np.testing.assert_allclose(own.values, same, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(own.values, exact, atol=1e-5)

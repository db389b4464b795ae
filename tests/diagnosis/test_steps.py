"""Experiments with steps: known answers of gradients per lag, alpha, and the range test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from longshort.diagnosis.experiments import lags, layers, one_batch, range_test, step_quality
from longshort.diagnosis.subject import Course, halves, regained
from longshort.nn import LSTM
from tests.diagnosis.subjects import Net, batches, numbers, subject


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1])
def test_the_gradient_of_a_linear_recurrence_falls_by_its_factor(factor: float) -> None:
    layer = nn.RNN(2, 2, nonlinearity="relu")
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            weight.copy_(factor * torch.eye(2) if "weight_hh" in name else torch.zeros_like(weight))
        layer.weight_ih_l0.copy_(torch.eye(2))
    norms = lags.norms_per_lag(layer, torch.ones(12, 4, 2), seed=0)
    assert lags.slope_of(norms) == pytest.approx(math.log(factor), abs=1e-5)


def test_our_layers_and_torchs_have_the_same_gradient_per_lag() -> None:
    theirs, ours = nn.LSTM(2, 4), LSTM(2, 4)
    ours.load_state_dict(theirs.state_dict())
    x = numbers(12, 8)
    one, two = (lags.norms_per_lag(each, x, seed=0) for each in (theirs, ours))
    np.testing.assert_allclose(one, two, rtol=1e-4)


@pytest.mark.parametrize(("rate", "alpha"), [(0.25, -0.5), (0.5, 0.0), (1.0, 1.0)])
def test_alpha_of_a_parabola(rate: float, alpha: float) -> None:
    """Of w² a step with rate 1/2 ends at the minimum, with rate 1 as far beyond it."""
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = torch.optim.SGD([weight], lr=rate)
    module = nn.Module()
    module.weight = weight

    def loss(each: Any, _batch: Any) -> Tensor:
        return each.weight.square().sum()

    one = subject(module, loss, [0])
    found = step_quality._step(one, 0, optimizer, None)
    assert found[3] == pytest.approx(alpha, abs=1e-5)


def test_the_range_test_says_how_far_off_a_rate_is() -> None:
    module = Net()

    def off(rate: float) -> float:
        optimizer = torch.optim.Adam(module.parameters(), rate)
        found = range_test.measure(subject(module, optimizer=optimizer))
        assert found is not None
        return found.numbers["off"]

    assert off(10.0) == pytest.approx(1e6 * off(1e-5), rel=1e-4)
    assert off(10.0) > 6.0
    assert off(1e-5) < 1 / 6


def test_one_batch_is_learned_by_heart() -> None:
    assert one_batch.measure(subject(), steps=250).numbers["left"] < 0.1


def test_layers_go_on_from_a_carried_state() -> None:
    found = layers.measure(subject())
    assert found is not None
    assert max(found.numbers.values()) < 1e-4


def test_what_a_remedy_wins_back() -> None:
    base, better = Course([], [1.0, 0.6]), Course([], [1.0, 0.2])
    assert regained(base, better) == pytest.approx(0.5)
    assert regained(better, base) == 0.0
    assert halves(base, better)
    assert not halves(better, base)


def test_a_course_that_diverged_has_everything_to_win() -> None:
    assert regained(Course([], [1.0, math.inf]), Course([], [1.0, 0.5])) == 1.0


def test_small_differences_are_noise() -> None:
    assert regained(Course([], [1.0, 0.99]), Course([], [1.0, 0.98])) == 0.0


def test_experiments_leave_no_trace() -> None:
    module = Net()
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.get_rng_state()
    of = subject(module, given=batches(), optimizer=optimizer)
    for measure in (range_test.measure, step_quality.measure, one_batch.measure, lags.measure):
        measure(of)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert not optimizer.state

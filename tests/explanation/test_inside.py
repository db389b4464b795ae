"""Half-lives, retention and ablation: values that are known, for every cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort import cells
from longshort.cells import Sizes
from longshort.engine.scan import Traced, scan
from longshort.engine.trace import Mode
from longshort.explanation.inside.kept import half_lives, kept, retention
from longshort.explanation.inside.traces import look_inside
from longshort.explanation.relevance.linearised import linearised
from longshort.explanation.relevance.scan import side_inputs, values_of
from tests.cell_table import TRIALS, case
from tests.explanation.questions import one_row
from tests.explanation.test_relevance import NAMES, tensors


def factors_of(name: str) -> tuple[dict[str, torch.Tensor], Traced]:
    trial = TRIALS[name]
    traced, given = Traced(trial.cell, trial.sizes, trial.mode), case(trial)
    x, state = torch.tensor(given.inputs["x"]), tensors(given.state)
    values = values_of(traced, tensors(given.parameters), x, state, None)
    found = linearised(traced.graph)
    inputs = {"x": x, **side_inputs(found, values, x, torch.ones(1).double())}
    return kept(found.graph, inputs), traced


@pytest.mark.parametrize("name", NAMES)
def test_what_every_cell_keeps_has_the_shape_of_its_state(name: str) -> None:
    found, traced = factors_of(name)
    for state, factors in found.items():
        assert factors.shape[-1] == traced.state_sizes[state] and factors.isfinite().all()


def test_an_lstm_keeps_what_its_forget_gate_says() -> None:
    sizes, steps = Sizes(2, 3), 6
    traced = Traced(cells.LSTM(), sizes, Mode())
    shapes = cells.LSTM().parameter_shapes(sizes)
    weights = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
    x = torch.randn(steps, 1, 2, dtype=torch.float64)
    state = {name: torch.zeros(1, 3, dtype=torch.float64) for name in ("h", "c")}
    values = values_of(traced, weights, x, state, None)
    found = linearised(traced.graph)
    inputs = {"x": x, **side_inputs(found, values, x, torch.ones(1).double())}
    h = torch.cat([state["h"][None], scan(traced, weights, x, state).output[:-1]])
    z = x @ weights["weight_ih"].T + h @ weights["weight_hh"].T
    gate = torch.sigmoid(z + weights["bias_ih"] + weights["bias_hh"])[..., 3:6]
    torch.testing.assert_close(kept(found.graph, inputs)["c"], gate)


def test_half_lives_and_retention_of_constant_factors() -> None:
    factors = np.tile([0.5, 2 ** (-1 / 8), 1.0], (20, 1))
    np.testing.assert_allclose(half_lives(factors), [1.0, 8.0, np.inf])
    left = retention(factors[:, :1])
    assert left[0, 3] == pytest.approx(0.125) and left[3, 0] == 0.0


def test_a_layer_is_shown_with_its_gates_and_what_its_units_are_worth() -> None:
    subject = one_row(steps=7)
    (inside,) = look_inside(subject, subject.asked)
    assert inside.name == "layers_l0" and set(inside.gates) == {"i", "f", "o"}
    assert inside.kept is not None and inside.kept[0] == "c"
    np.testing.assert_allclose(inside.gates["f"], inside.kept[1])
    assert inside.effects is not None and inside.effects.shape == (6,) and inside.effects.any()
    assert len(inside.units()) == 6


def test_a_unit_that_the_head_does_not_read_and_no_other_unit_is_worth_nothing() -> None:
    subject = one_row(steps=7)
    with torch.no_grad():
        subject.network.head.weight[0, 2] = 0.0
        subject.network.layers.weight_hh_l0[:, 2] = 0.0
    (inside,) = look_inside(subject, subject.asked)
    assert inside.effects is not None
    assert inside.effects[2] == pytest.approx(0.0, abs=1e-12)
    assert (np.abs(np.delete(inside.effects, 2)) > 1e-6).all()

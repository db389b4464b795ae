"""Contextual decomposition: parts add up for every cell, and equal the published equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort import cells
from longshort.cells import Sizes
from longshort.engine.scan import Traced, scan
from longshort.engine.trace import Mode
from longshort.errors import ConfigError
from longshort.explanation.decomposition.parts import Parts, applied
from longshort.explanation.decomposition.scan import decomposed
from tests.cell_table import TRIALS, case
from tests.explanation.test_relevance import NAMES, tensors


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_parts_of_every_cell_add_up(name: str, reverse: bool) -> None:
    """Phrase and rest are the output; where all steps are the phrase, it is all of the output."""
    trial = TRIALS[name]
    traced, given = Traced(trial.cell, trial.sizes, trial.mode), case(trial)
    parameters = tensors(given.parameters)
    x = torch.tensor(given.inputs["x"])[:, :1]
    state = {k: 0 * v[:1] for k, v in tensors(given.state).items()}
    steps = len(x)
    phrases = torch.cat([torch.eye(steps).double()[:, :, None] * x, x], 1)
    output = scan(traced, parameters, x, state, reverse=reverse).output
    found = decomposed(traced, parameters, x, phrases, state, output, reverse=reverse)
    assert found.error < 1e-10
    torch.testing.assert_close(found.phrase[:, -1:], output, rtol=1e-9, atol=1e-9)


def murdoch(
    weights: dict[str, np.ndarray], x: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """β and γ of h_T by Murdoch et al. (2018) for the phrase of steps start to stop, both in it.

    The bias of each step within the phrase belongs to it, that of the last step too.
    """

    def sigmoid(a: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-a))

    def three(f: object, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
        assert callable(f)
        first = 0.5 * (f(a + c) - f(c) + f(a + b + c) - f(b + c))
        second = 0.5 * (f(b + c) - f(c) + f(a + b + c) - f(a + c))
        return first, second, f(c)

    w, u, b = weights["weight_ih"], weights["weight_hh"], weights["bias_ih"] + weights["bias_hh"]
    size = u.shape[1]
    gates = {gate: slice(k * size, (k + 1) * size) for k, gate in enumerate("ifgo")}
    beta_h, gamma_h, beta_c, gamma_c = (np.zeros(size) for _ in range(4))
    for t, value in enumerate(x):
        inside = start <= t <= stop
        beta, gamma = u @ beta_h, u @ gamma_h
        beta, gamma = (beta + w @ value, gamma) if inside else (beta, gamma + w @ value)
        parts = {}
        for gate, f in (("i", sigmoid), ("f", sigmoid), ("g", np.tanh)):
            rows = gates[gate]
            parts[gate] = three(f, beta[rows], gamma[rows], b[rows])
        o = sigmoid((beta + gamma + b)[gates["o"]])
        (bi, gi, ci), (bf, gf, cf), (bg, gg, cg) = (parts[gate] for gate in "ifg")
        whole = (bi + gi + ci) * (bg + gg + cg) + (bf + gf + cf) * (beta_c + gamma_c)
        new = bi * (bg + cg) + ci * bg + (bf + cf) * beta_c + inside * ci * cg
        beta_c, gamma_c = new, whole - new
        first = 0.5 * (np.tanh(beta_c) + np.tanh(beta_c + gamma_c) - np.tanh(gamma_c))
        beta_h = o * first
        gamma_h = o * (np.tanh(beta_c + gamma_c) - first)
    return beta_h, gamma_h


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (2, 2), (1, 4), (5, 5), (0, 5)])
def test_the_parts_of_an_lstm_are_those_of_murdoch(start: int, stop: int) -> None:
    rng, sizes = np.random.default_rng(2), Sizes(3, 4)
    shapes = cells.LSTM().parameter_shapes(sizes)
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    x = rng.normal(size=(6, 3))
    traced, inputs = Traced(cells.LSTM(), sizes, Mode()), torch.tensor(x[:, None])
    state = {name: torch.zeros(1, 4, dtype=torch.float64) for name in ("h", "c")}
    inside = (torch.arange(6) >= start) & (torch.arange(6) <= stop)
    phrase = inputs * inside[:, None, None]
    output = scan(traced, tensors(weights), inputs, state).output
    found = decomposed(traced, tensors(weights), inputs, phrase, state, output, reverse=False)
    beta, gamma = murdoch(weights, x, start, stop)
    np.testing.assert_allclose(found.phrase[-1, 0], beta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(output[-1, 0] - found.phrase[-1, 0], gamma, rtol=1e-9, atol=1e-12)


def test_a_step_that_is_no_phrase_leaves_nothing_to_it() -> None:
    traced = Traced(cells.GRU(), Sizes(2, 3), Mode())
    shapes = cells.GRU().parameter_shapes(Sizes(2, 3))
    weights = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
    x, state = torch.randn(4, 1, 2, dtype=torch.float64), {"h": torch.zeros(1, 3).double()}
    output = scan(traced, weights, x, state).output
    found = decomposed(traced, weights, x, 0 * x, state, output, reverse=False)
    assert not found.phrase.any()


def test_an_operation_without_a_rule_is_refused_by_its_name() -> None:
    one = torch.ones(1, 2)
    with pytest.raises(ConfigError, match="cd: the operation 'arctan' of the cell"):
        applied("arctan", [Parts(one, one, one)])

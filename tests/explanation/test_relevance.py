"""Relevance derived from equations: conserved for every cell, and equal to the published rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort import cells
from longshort.cells import Sizes
from longshort.engine.graph import Graph, Level, Node
from longshort.engine.scan import Traced, scan
from longshort.engine.trace import Mode, trace
from longshort.errors import ConfigError
from longshort.explanation.relevance.carriers import Rank, ranks
from longshort.explanation.relevance.linearised import linearised
from longshort.explanation.relevance.mode import relevance
from longshort.explanation.relevance.scan import relevant_scan
from longshort.nn import LSTM, Recurrent
from longshort.nn.blocks.attention import Attention
from longshort.nn.blocks.columns import Columns
from longshort.nn.blocks.convolution import Convolutions
from longshort.nn.blocks.pictures import PictureConvolutions
from longshort.nn.blocks.pooling import POOLINGS, Pooling
from longshort.nn.blocks.summary import Summary
from tests.cell_table import LENGTHS, TRIALS, case

NAMES = [name for name, trial in TRIALS.items() if not trial.mode.training]


def tensors(arrays: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.tensor(value) for name, value in arrays.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reverse", [False, True])
def test_relevance_of_every_cell_is_conserved(name: str, reverse: bool) -> None:
    """Inputs, first states and constants share the score; padding has none, bit for bit."""
    trial = TRIALS[name]
    traced, given = Traced(trial.cell, trial.sizes, trial.mode), case(trial)
    parameters, lengths = tensors(given.parameters), torch.tensor(LENGTHS)
    x = torch.tensor(given.inputs["x"], requires_grad=True)
    state = {k: v.requires_grad_() for k, v in tensors(given.state).items()}
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    plain = {k: v.detach() for k, v in state.items()}
    expected = scan(traced, parameters, x.detach(), plain, lengths=lengths, reverse=reverse)
    found = relevant_scan(one, traced, parameters, x, state, lengths=lengths, reverse=reverse)
    torch.testing.assert_close(found.output, expected.output, rtol=1e-9, atol=1e-9)
    score = (torch.tensor(given.weights["output"]) * found.output).sum()
    leaves = [x, one, *state.values()]
    slopes = torch.autograd.grad(score, leaves, allow_unused=True, materialize_grads=True)
    shares = sum(float((s * leaf).detach().sum()) for s, leaf in zip(slopes, leaves, strict=True))
    assert shares == pytest.approx(float(score.detach()), rel=1e-9, abs=1e-9)
    padding = torch.arange(len(x))[:, None] >= lengths
    assert not slopes[0][padding].any()


def arras(
    weights: dict[str, np.ndarray], x: np.ndarray, head: np.ndarray
) -> tuple[np.ndarray, float]:
    """The relevance [T, I] of head · h_T by Arras et al. (2019), stabiliser 0, and of biases."""
    w, u, b = weights["weight_ih"], weights["weight_hh"], weights["bias_ih"] + weights["bias_hh"]
    size, steps = u.shape[1], len(x)
    h, c = np.zeros((steps + 1, size)), np.zeros((steps + 1, size))
    kept = []
    for t in range(steps):
        z = w @ x[t] + u @ h[t] + b
        i, f, o = (1 / (1 + np.exp(-z[k * size : (k + 1) * size])) for k in (0, 1, 3))
        candidate = slice(2 * size, 3 * size)
        g = np.tanh(z[candidate])
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
        kept.append((i, f, g, z[candidate]))
    of_h, of_c = head * h[steps], np.zeros(size)
    found, constant = np.zeros_like(x), 0.0
    for t in reversed(range(steps)):
        i, f, g, z = kept[t]
        of_c = of_c + of_h
        of_g = of_c * i * g / c[t + 1]
        of_c = of_c * f * c[t] / c[t + 1]
        rows = slice(2 * size, 3 * size)
        found[t] = x[t] * (w[rows].T @ (of_g / z))
        of_h = h[t] * (u[rows].T @ (of_g / z))
        constant += float(b[rows] @ (of_g / z))
    return found, constant


def test_relevance_of_an_lstm_is_that_of_arras() -> None:
    rng, sizes = np.random.default_rng(1), Sizes(3, 5)
    traced = Traced(cells.LSTM(), sizes, Mode())
    shapes = cells.LSTM().parameter_shapes(sizes)
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    x, head = rng.normal(size=(7, 3)), rng.normal(size=5)
    expected, constant = arras(weights, x, head)
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    inputs = torch.tensor(x[:, None], requires_grad=True)
    state = {name: torch.zeros(1, 5, dtype=torch.float64) for name in ("h", "c")}
    run = relevant_scan(one, traced, tensors(weights), inputs, state)
    score = (run.output[-1, 0] * torch.tensor(head)).sum()
    slope, share = torch.autograd.grad(score, [inputs, one])
    np.testing.assert_allclose((slope * inputs)[:, 0].detach(), expected, rtol=1e-8, atol=1e-10)
    assert float(share) == pytest.approx(constant, rel=1e-8)


def named_ranks(cell: cells.Cell, sizes: Sizes) -> dict[str, Rank]:
    graph = trace(cell, sizes)
    found = ranks(graph)
    return {name: found[index] for name, index in graph.states.items()}


def test_gates_are_told_from_signals_by_their_range() -> None:
    sizes = Sizes(3, 4)
    assert named_ranks(cells.LSTM(), sizes) == {"h": Rank.SIGNAL, "c": Rank.SIGNAL}
    full = named_ranks(cells.LSTM(ablate=("FGR",)), sizes)
    assert [full[name] for name in ("i", "f", "o")] == [Rank.GATE] * 3
    assert named_ranks(cells.HMLSTM(), sizes)["z1"] == Rank.GATE
    clock = named_ranks(cells.ClockworkRNN(), Sizes(3, 8))
    assert clock == {"h": Rank.SIGNAL, "t": Rank.CONSTANT}
    assert named_ranks(cells.SLSTM(), sizes)["n"] == Rank.POSITIVE


def test_an_operation_without_a_rule_is_refused_by_its_name() -> None:
    graph = trace(cells.RNN(), Sizes(2, 2))
    strange = Node("arctan", (graph.output,), 2, Level.STEP)
    odd: Graph = replace(
        graph, nodes=(*graph.nodes, strange), output=len(graph.nodes), states={**graph.states}
    )
    with pytest.raises(ConfigError, match="'arctan' of the cell's equations has no rule; use ig"):
        linearised(odd)


class Whole(nn.Module):
    """A network with what stands around recurrent layers in the tasks."""

    def __init__(self, pooling: str) -> None:
        super().__init__()
        self.convolutions = Convolutions(3, 4, 3, 2, 1)
        self.layers = LSTM(4, 4, num_layers=2, bidirectional=True)
        self.pooling, self.summary = Pooling(pooling, 8, 4), Summary()
        self.head = nn.Sequential(nn.Linear(20, 4), nn.ReLU(), nn.Linear(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        lengths = torch.full((x.size(1),), len(x))
        location = x.mean(0, keepdim=True)
        scaled = (x - location) / (x.var(0, keepdim=True) + 1.0).sqrt()
        states, _ = self.layers(self.convolutions(scaled, lengths)[0], lengths=lengths)
        parts = [self.pooling(states, lengths), self.summary(x, lengths)]
        return self.head(torch.cat(parts, 1)) + location[0].sum(1, keepdim=True)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_relevance_of_a_whole_network_is_conserved(pooling: str) -> None:
    torch.manual_seed(0)
    network = Whole(pooling).double().eval().requires_grad_(False)
    x = torch.randn(9, 1, 3, dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    expected = float(network(x.detach()))
    with relevance(network, one):
        answer = network(x).sum()
    assert float(answer.detach()) == pytest.approx(expected, rel=1e-12)
    slope, constant = torch.autograd.grad(answer, [x, one])
    shared = float((slope * x).sum().detach() + constant.detach())
    assert shared == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("module", [Columns(7, [3, 4, 5]), PictureConvolutions("9x8x2", 3, 4)])
def test_relevance_through_convolutions_over_pictures_is_conserved(module: nn.Module) -> None:
    torch.manual_seed(0)
    for name, value in module.named_buffers():
        value.copy_(torch.rand_like(value) + 0.5 if "variance" in name else torch.randn_like(value))
    network = module.double().eval().requires_grad_(False)
    is_line = isinstance(network, Columns)
    x = torch.randn((1, 7, 12) if is_line else (3, 1, 144), dtype=torch.float64, requires_grad=True)

    def run(x: Tensor) -> Tensor:
        found: Tensor = network(x, torch.tensor([12]))[0] if is_line else network(x)
        return found.sum()

    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    expected = float(run(x.detach()))
    with relevance(network, one):
        answer = run(x)
    assert answer.item() == pytest.approx(expected, rel=1e-9)
    slopes = torch.autograd.grad(answer, [x, one], allow_unused=True, materialize_grads=True)
    shares = (slopes[0] * x.detach()).sum() + slopes[1].sum()
    assert float(shares) == pytest.approx(expected, rel=1e-9)


def test_attention_only_scales_what_it_attends_to() -> None:
    torch.manual_seed(0)
    attention = Attention(4, 4).double().requires_grad_(False)
    memory = torch.randn(5, 1, 4, dtype=torch.float64, requires_grad=True)
    query = torch.randn(1, 1, 4, dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    with relevance(attention, one):
        found, _ = attention(query, attention.prepare(memory, torch.tensor([5])))
        answer = found.sum()
    of_memory, of_query = torch.autograd.grad(answer, [memory, query], allow_unused=True)
    assert float((of_memory * memory).sum().detach()) == pytest.approx(float(answer.detach()))
    assert of_query is None or not of_query.any()


def test_a_function_without_a_rule_is_refused_by_its_name() -> None:
    network = nn.Linear(3, 3)
    x = torch.randn(2, 3, requires_grad=True)
    with (
        pytest.raises(ConfigError, match="'log_softmax', for which there is no rule; use --method"),
        relevance(network, torch.ones(1)),
    ):
        F.log_softmax(network(x), -1)


def test_a_network_is_as_before_after_its_relevance() -> None:
    network = Recurrent(cells.GRU(), 3, 4)
    before = network.scan
    with pytest.raises(ZeroDivisionError), relevance(network, torch.ones(1)):
        raise ZeroDivisionError
    assert network.scan is before

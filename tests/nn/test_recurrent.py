"""Layers over any cell, and the torch executor under them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import longshort as ls
from longshort import cells
from longshort.engine.derive import derive
from longshort.engine.executors import numpy as reference
from longshort.engine.executors import torch as portable
from longshort.engine.executors.fused.standard import kernel_of
from longshort.engine.linear import linear
from longshort.engine.ops import sigmoid, tanh
from longshort.engine.parameters import Sizes
from longshort.engine.scan import MISSING, Traced, scan
from longshort.engine.text import to_text
from longshort.engine.trace import Mode, State, trace
from longshort.errors import BackendError, ConfigError
from tests.tensors import parts, random

T, B, IN, H = 6, 4, 3, 4
F64 = torch.float64

CELLS: dict[str, Any] = {
    "lstm": cells.LSTM(),
    "peephole": cells.LSTM(peephole=True, cell_clip=0.3),
    "coupled": cells.LSTM(couple="f=1-i", preactivation_clip=0.5),
    "projected": cells.LSTM(projection=2),
    "full gates": cells.LSTM(ablate=("FGR",)),
    "norm": cells.LSTM(layer_norm="ba2016", activations=("hard_sigmoid", "tanh", "relu")),
    "gru": cells.GRU(),
    "gru before": cells.GRU(reset="before"),
    "rnn": cells.RNN(),
    "slstm": cells.SLSTM(heads=2),
    "onlstm": cells.ONLSTM(),
    "mogrifier": cells.MogrifierLSTM(rounds=2),
    "phased": cells.PhasedLSTM(),
    "clockwork": cells.ClockworkRNN(periods=(1, 2)),
    "indrnn": cells.IndRNN(),
    "sru": cells.SRU(),
    "qrnn": cells.QRNN(window=3),
    "mingru": cells.MinGRU(),
    "minlstm": cells.MinLSTM(positive=True),
    "janet": cells.JANET(),
    "multiplicative": cells.MultiplicativeLSTM(),
    "hmlstm": cells.HMLSTM(layers=2),
}
BACKENDS = [name for name in ("torch", "native") if name not in MISSING]
PARALLEL = {"qrnn", "mingru", "minlstm"}
MODES = {
    "plain": Mode(),
    "ragged and reset": Mode(ragged=True, reset=True),
    "noise": Mode(training=True, zoneout=(("h", 0.4),), sequence_dropout=0.3),
}


def stir(layer: nn.Module) -> Any:
    """The layer with random weights, also where a start is constant."""
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            positive = name.startswith(("period", "open_ratio"))
            weight.copy_(
                torch.rand_like(weight) + 0.5 if positive else 0.5 * torch.randn_like(weight)
            )
    return layer


def stack(cell: Any, **options: Any) -> Any:
    return stir(ls.nn.Recurrent(cell, IN, H, dtype=F64, **options))


def same(a: Any, b: Any, tolerance: float = 1e-12) -> None:
    for left, right in zip(parts(a), parts(b), strict=True):
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance)


def test_every_cell_is_in_the_table() -> None:
    public = {getattr(cells, name) for name in cells.__all__}
    wanted = {c for c in public if isinstance(c, type) and issubclass(c, cells.Cell)}
    assert wanted - {cells.Cell} == {type(cell) for cell in CELLS.values()}


# The torch executor


def problem(name: str, mode: Mode) -> tuple[Any, dict[str, Tensor], dict[str, Tensor], Any]:
    """A graph with everything that it is given."""
    cell, n = CELLS[name], Sizes(IN, H)
    torch.manual_seed(1)
    graph = trace(cell, n, mode)
    shapes = {k: v for k, v in cell.parameter_shapes(n).items()
              if k in graph.matrices or k in graph.vectors}  # fmt: skip
    parameters = {k: 0.5 * torch.rand(*shape, dtype=F64) + 0.1 for k, shape in shapes.items()}
    parameters = {k: v * torch.sign(torch.randn_like(v)) if k.startswith("w") else v
                  for k, v in parameters.items()}  # fmt: skip
    inputs = {}
    for k, spec in enumerate(graph.inputs):
        shape = (B, spec.width) if spec.per_sequence else (T, B, spec.width)
        drawn = random(*shape, seed=k)
        flag = spec.noise is not None or spec.name in ("alive", "reset")
        inputs[spec.name] = (drawn > -0.5).to(F64) if flag else drawn
    state = {k: torch.rand(B, w, dtype=F64) + 0.1 for k, w in graph.state_sizes.items()}
    return graph, parameters, inputs, state


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("name", CELLS)
def test_torch_executor_equals_the_reference_with_all_gradients(name: str, mode: Mode) -> None:
    if mode.zoneout:
        first = next(iter(CELLS[name].state_sizes(Sizes(IN, H))))
        mode = replace(mode, zoneout=((first, 0.4),))
    graph, parameters, inputs, state = problem(name, mode)
    free = [spec.name for spec in graph.inputs if spec.differentiable]
    leaves = [*parameters.values(), *(inputs[k] for k in free), *state.values()]
    for leaf in leaves:
        leaf.requires_grad_()
    found = portable.run(graph, parameters, inputs, state)
    d_out = random(T, B, graph.output_size, seed=8)
    d_state = {k: random(B, w, seed=9) for k, w in graph.state_sizes.items()}
    loss = (found.output * d_out).sum() + sum(
        (found.final[k] * d).sum() for k, d in d_state.items()
    )
    grads = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)

    def numbers(tensors: dict[str, Tensor]) -> dict[str, Any]:
        return {k: v.detach().numpy() for k, v in tensors.items()}

    wanted = reference.forward(graph, numbers(parameters), numbers(inputs), numbers(state))
    back = reference.backward(derive(graph), numbers(parameters), numbers(inputs), wanted,
                              d_out.numpy(), numbers(d_state))  # fmt: skip
    np.testing.assert_allclose(found.output.detach(), wanted.output, rtol=1e-12, atol=1e-13)
    for key in state:
        every = np.stack([states[key] for states in wanted.states[1:]])
        np.testing.assert_allclose(found.states[key].detach(), every, rtol=1e-12, atol=1e-13)
    expected = [*(back.parameters[k] for k in parameters), *(back.inputs[k] for k in free),
                *(back.state[k] for k in state)]  # fmt: skip
    for got, want in zip(grads, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12 * (1 + abs(want).max()))


@pytest.mark.parametrize(
    "mode", [Mode(), Mode(ragged=True, reset=True), Mode(zoneout=(("h", 0.3),))]
)
@pytest.mark.parametrize("name", sorted(PARALLEL))
def test_parallel_scan_equals_the_loop(name: str, mode: Mode) -> None:
    mode = Mode(zoneout=(("c", 0.3),)) if mode.zoneout and name == "qrnn" else mode
    graph, parameters, inputs, state = problem(name, mode)
    for steps in (1, 2, 3, 5, 6):
        cut = {k: v if v.dim() == 2 else v[:steps] for k, v in inputs.items()}
        fast = portable.run(graph, parameters, cut, state)
        slow = portable.run(graph, parameters, cut, state, parallel=False)
        same((fast.output, *fast.final.values(), *fast.states.values()),
             (slow.output, *slow.final.values(), *slow.states.values()))  # fmt: skip


def test_linear_recurrences_are_found_and_no_others() -> None:
    found = {k for k, cell in CELLS.items() if linear(trace(cell, Sizes(IN, H))) is not None}
    assert found == PARALLEL


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("peephole", [False, True])
def test_second_derivatives(peephole: bool, backend: str) -> None:
    layer = stir(ls.nn.LSTM(2, 2, dtype=F64, peephole=peephole, backend=backend))
    names = [k for k, _ in layer.named_parameters()]

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), x)[0]

    given = [random(3, 2, 2).requires_grad_(), *layer.parameters()]
    assert torch.autograd.gradcheck(run, given, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(run, given)


def test_kernel_can_be_differentiated_twice_in_float32_and_again() -> None:
    layer, x = ls.nn.LSTM(IN, H, backend="torch"), torch.randn(T, B, IN, requires_grad=True)
    assert layer.backend_report().startswith("torch: torch's own kernel")
    (first,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
    first.square().sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    loss = layer(x)[0].sum()
    (one,) = torch.autograd.grad(loss, x, retain_graph=True)
    (two,) = torch.autograd.grad(loss, x)
    assert torch.equal(one, two)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, x)


def test_ensemble_under_vmap() -> None:
    layers = [stir(ls.nn.LSTM(IN, H, dtype=F64)) for _ in range(3)]
    for k, layer in enumerate(layers):
        with torch.no_grad():
            layer.weight_hh_l0.mul_(k)
    weights, _ = torch.func.stack_module_state(layers)
    x = random(T, B, IN)

    def run(one: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layers[0], one, x)[0]

    same(torch.vmap(run)(weights), torch.stack([layer(x)[0] for layer in layers]))


def test_functional_gradients_equal_autograd() -> None:
    layer, x = stir(ls.nn.GRU(IN, H, dtype=F64)), random(T, B, IN)
    weights = dict(layer.named_parameters())

    def loss(one: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(layer, one, x)[0].square().sum()

    layer(x)[0].square().sum().backward()
    same(tuple(torch.func.grad(loss)(weights).values()), tuple(w.grad for w in weights.values()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_states_in_float32(dtype: torch.dtype) -> None:
    layer = ls.nn.LSTM(IN, H, dtype=dtype)
    full = ls.nn.LSTM(IN, H)
    full.load_state_dict({k: v.float() for k, v in layer.state_dict().items()})
    x = torch.randn(200, B, IN, dtype=dtype)
    out, (_, c) = layer(x)
    wanted, (_, exact) = full(x.float())
    assert out.dtype == c.dtype == dtype
    assert (out.float() - wanted).abs().max() < 0.02
    assert (c.float() - exact).abs().max() < 0.05


# torch's own kernels


@pytest.mark.parametrize(
    ("cell", "kernel"),
    [
        (cells.LSTM(), "lstm"), (cells.LSTM(projection=2), None), (cells.GRU(), "gru"),
        (cells.RNN(), "rnn_tanh"), (cells.RNN(activation="relu"), "rnn_relu"),
        (cells.GRU(reset="before"), None),
        (cells.LSTM(cell_clip=100.0), None), (cells.LSTM(peephole=True), None),
        (cells.LSTM(activations=("tanh", "tanh", "tanh")), None), (cells.MinGRU(), None),
        (cells.RNN(activation="identity"), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bias", [True, False])
def test_kernels_are_found_by_their_equations(cell: Any, kernel: str | None, bias: bool) -> None:
    assert kernel_of(trace(cell, Sizes(IN, H), Mode(bias=bias))) == kernel


def test_an_lstm_written_otherwise_is_still_torchs() -> None:
    @dataclass(frozen=True)
    class Mine(cells.Cell):
        gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
        state: ClassVar[tuple[str, ...]] = ("c", "h")

        def maps(self, n: Sizes) -> dict[str, cells.Map]:
            return cells.LSTM().maps(n)

        def step(self, x: Any, s: Any, p: Any) -> tuple[Any, State]:
            a, b = p.hh(s.h), p.ih(x)
            c = tanh(b.g + a.g) * sigmoid(a.i + b.i) + s.c * sigmoid(a.f + b.f)
            h = tanh(c) * sigmoid(a.o + b.o)
            return h, State(c=c, h=h)

    layer = stack(Mine(), bidirectional=True, backend="torch")
    assert layer.backend_report().startswith("torch: torch's own kernel")
    theirs = nn.LSTM(IN, H, bidirectional=True, dtype=F64)
    theirs.load_state_dict(layer.state_dict())
    x, state = random(T, B, IN), (random(2, B, H, seed=2), random(2, B, H, seed=3))
    out, (c, h) = layer(x, state)
    wanted, (wanted_h, wanted_c) = theirs(x, state[::-1])
    same((out, h, c), (wanted, wanted_h, wanted_c))


# Layers


class Decaying(cells.Cell):
    """A user's own cell: an average that forgets at a learned rate."""

    gates = ("v",)
    state = ("a", "count")

    def vectors(self, n: Sizes) -> dict[str, cells.Vector]:
        return {"rate": cells.Vector(n.hidden)}

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        return {"a": n.hidden, "count": 1}

    def step(self, x: Any, s: Any, p: Any) -> tuple[Any, State]:
        keep = sigmoid(p.rate)
        a = keep * s.a + (1 - keep) * tanh(p.ih(x).v + p.hh(s.a).v)
        return a / (s.count + 1), State(a=a, count=s.count + 1)


def test_own_cell_in_a_deep_bidirectional_residual_stack() -> None:
    layer = stack(Decaying(), num_layers=2, bidirectional=True, residual=True)
    x = random(T, B, IN)
    out, (a, count) = layer(x)
    assert (out.shape, a.shape, count.shape) == ((T, B, 2 * H), (4, B, H), (4, B, 1))
    assert count.eq(T).all()
    out.square().sum().backward()
    assert all(w.grad.abs().sum() > 0 for w in layer.parameters())
    plain = stack(Decaying(), num_layers=2, bidirectional=True)
    plain.load_state_dict(layer.state_dict())
    lower = stack(Decaying(), bidirectional=True)
    lower.load_state_dict({k: v for k, v in layer.state_dict().items() if "_l0" in k})
    same(out, plain(x)[0] + lower(x)[0])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_steps_equal_the_whole(name: str, backend: str) -> None:
    layer = stack(CELLS[name], num_layers=2, backend=backend).eval()
    x = random(T, B, IN)
    out, final = layer(x)
    state, outputs = None, []
    for t in range(T):
        y, state = layer.step(x[t], state)
        outputs.append(y)
    same((torch.stack(outputs), *parts(state)), (out, *parts(final)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_resets_lengths_and_reverse_equal_each_sequence_alone(name: str, backend: str) -> None:
    options = {"bidirectional": True, "learn_initial_state": True, "backend": backend}
    layer = stack(CELLS[name], **options)
    x, lengths = random(T, B, IN), torch.tensor([6, 2, 5, 1])
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[2, 0] = reset[4, 0] = reset[3, 2] = reset[5, 2] = True
    out, final, states = layer(x, lengths=lengths, reset=reset, return_states=True)
    pieces = {0: [(0, 2), (2, 4), (4, 6)], 1: [(0, 2)], 2: [(0, 3), (3, 5)], 3: [(0, 1)]}
    for b, spans in pieces.items():
        alone = [layer(x[start:stop, b : b + 1]) for start, stop in spans]
        same(out[: lengths[b], b : b + 1], torch.cat([y for y, _ in alone]))
        assert out[lengths[b] :, b].eq(0).all()
        for got, last, first in zip(parts(final), parts(alone[-1][1]), parts(alone[0][1]),
                                    strict=True):  # fmt: skip
            same(got[:, b], torch.stack([last[0, 0], first[1, 0]]))
    for every, end in zip(parts(states), parts(final), strict=True):
        same(every[-1, 0], end[0])
        same(every[0, 1], end[1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_state_dicts_copies_and_batch_order(name: str, backend: str) -> None:
    options = {"num_layers": 2, "bidirectional": True, "merge": "sum", "batch_first": True}
    layer = stack(CELLS[name], backend=backend, **options)
    x = random(B, T, IN)
    out, state = layer(x)
    other = ls.nn.Recurrent(CELLS[name], IN, H, dtype=F64, **options)
    other.load_state_dict(layer.state_dict())
    same(other(x)[0], out)
    same(copy.deepcopy(layer)(x)[0], out)
    order = torch.tensor([2, 0, 3, 1])
    shuffled, after = layer(x[order])
    same(shuffled, out[order])
    same(parts(after), tuple(s[:, order] for s in parts(state)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_carried_state_and_learned_starts_get_gradients(name: str, backend: str) -> None:
    layer = stack(CELLS[name], learn_initial_state=True, backend=backend)
    layer(random(T, B, IN))[0].square().sum().backward()
    counters = {"initial_t_l0"} if name in ("clockwork", "phased") else set()
    silent = {"initial_m_l0"} if name == "slstm" else set()
    for key, weight in layer.named_parameters():
        if key.startswith("initial") and key not in counters | silent:
            assert weight.grad.abs().sum() > 0, key


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"peephole": True}), ("LSTM", {"couple": "f=1-i"}), ("LSTM", {"couple": "i=1-f"}),
    *[("LSTM", {"ablate": (name,)}) for name in ("NIG", "NFG", "NOG", "NIAF", "NOAF", "FGR")],
    *[("LSTM", {"layer_norm": form}) for form in ("ba2016", "carried", "summed")],
    ("LSTM", {"activations": ("hard_sigmoid", "tanh", "tanh")}), ("LSTM", {"cell_clip": 0.05}),
    ("LSTM", {"preactivation_clip": 0.05}), ("LSTM", {"proj_size": 2}), ("LSTM", {"bias": False}),
    ("GRU", {"reset": "before"}), ("GRU", {"layer_norm": True}), ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {"preactivation_clip": 0.05}), ("RNN", {"preactivation_clip": 0.05}),
    *[(kind, option) for kind in ("LSTM", "GRU", "RNN") for option in (
        {"zoneout": 0.5}, {"zoneout": {"h": 0.5}}, {"recurrent_dropout": 0.5},
        {"recurrent_dropout": "gal:.5"}, {"weight_dropout": 0.5}, {"merge": "sum"},
        {"residual": True}, {"init": "torch"}, {"dropout": 0.5}, {"num_layers": 3},
        {"batch_first": True}, {"learn_initial_state": True})],
    ("LSTM", {"recurrent_dropout": "semeniuta:.5"}), ("GRU", {"recurrent_dropout": "semeniuta:.5"}),
    ("LSTM", {"init": "chrono:50"}), ("GRU", {"init": "chrono:50"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "option"), OPTIONS, ids=str)
def test_every_option_shows(kind: str, option: dict[str, Any]) -> None:
    base = {"num_layers": 2, "bidirectional": True}
    results = []
    for options in (base, base | option):
        torch.manual_seed(0)
        layer = getattr(ls.nn, kind)(T, H, **options)
        with torch.no_grad():
            for name, weight in layer.named_parameters():
                if name.startswith(("peephole", "initial")):
                    weight.fill_(0.3)
        torch.manual_seed(0)
        results.append((repr(layer), layer(torch.ones(T, B, T))[0]))
    (_, plain), (text, changed) = results
    assert plain.shape != changed.shape or not torch.allclose(plain, changed, atol=1e-6)
    assert str(next(iter(option))) in text


def test_zoneout_keeps_units_and_evaluates_to_the_expectation() -> None:
    torch.manual_seed(0)
    layer = ls.nn.LSTM(IN, 500, zoneout={"c": 0.3, "h": 0.1})
    x, state = torch.randn(1, 40, IN), (torch.randn(1, 40, 500), torch.randn(1, 40, 500))
    _, (h, c) = layer(x, state)
    assert (c == state[1]).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert (h == state[0]).float().mean().item() == pytest.approx(0.1, abs=0.01)
    layer.eval()
    plain = ls.nn.LSTM(IN, 500)
    plain.load_state_dict(layer.state_dict())
    _, (_, new) = plain(x, state)
    torch.testing.assert_close(layer(x, state)[1][1], 0.7 * new + 0.3 * state[1])


@pytest.mark.parametrize("dropout", ["gal:0.25", "semeniuta:0.25"])
def test_recurrent_dropout_is_unbiased_where_linear(dropout: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 1, IN).expand(1, 40000, IN)
    layer = ls.nn.LSTM(
        IN, H, recurrent_dropout=dropout, ablate=("NIG", "NFG", "NOG", "NIAF", "NOAF")
    )
    torch.testing.assert_close(layer(x)[0].mean(1), layer.eval()(x)[0].mean(1), atol=0.02, rtol=0)
    assert layer(x)[0].std(1).max() < 1e-5
    assert layer.train()(x)[0].std(1).min() > 0.05


def test_noise_can_be_given_and_is_one_mask_a_sequence() -> None:
    traced = Traced(cells.RNN(), Sizes(IN, H), Mode(sequence_dropout=0.5))
    layer = stack(cells.RNN())
    weights = {k.removesuffix("_l0"): v for k, v in layer.named_parameters()}
    x, state = random(T, B, IN), {"h": torch.zeros(B, H, dtype=F64)}
    masks = [spec for spec in traced.plans(training=True)[False].graph.inputs if spec.noise]
    noise = {spec.name: torch.ones(B, spec.width, dtype=F64) for spec in masks}
    assert len(masks) == 2
    given = scan(traced, weights, x, state, noise=noise, training=True)
    same(given.output, layer(x)[0])
    drawn = scan(traced, weights, x, state, training=True).output
    assert not torch.allclose(drawn, given.output)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_torch_start_draws_torchs_numbers(kind: str) -> None:
    torch.manual_seed(3)
    theirs = getattr(nn, kind)(IN, H, num_layers=2, bidirectional=True)
    torch.manual_seed(3)
    ours = getattr(ls.nn, kind)(IN, H, num_layers=2, bidirectional=True, init="torch")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_forget_biases_of_all_inner_layers_start_at_one() -> None:
    layer = ls.nn.Recurrent(cells.HMLSTM(layers=2), IN, H)
    for bias in (layer.bias_ih1_l0, layer.bias_ih2_l0):
        assert bias.tolist() == [0.0] * H + [1.0] * H + [0.0] * 2 * H


def test_forget_bias_of_a_normalised_lstm_starts_at_one() -> None:
    layer = ls.nn.LSTM(IN, H, layer_norm="ba2016")
    assert layer.bias_l0.tolist() == [0.0] * H + [1.0] * H + [0.0] * 2 * H


@pytest.mark.parametrize("proj_size", [0, 2])
def test_projected_and_packed_as_torch(proj_size: int) -> None:
    theirs = nn.LSTM(IN, H, 2, bidirectional=True, proj_size=proj_size, dtype=F64)
    ours = ls.nn.LSTM(IN, H, 2, bidirectional=True, proj_size=proj_size, dtype=F64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    packed = pack_padded_sequence(
        random(T, B, IN), torch.tensor([2, 6, 1, 5]), enforce_sorted=False
    )
    state = (random(4, B, proj_size or H, seed=2), random(4, B, H, seed=3))
    (out, got), (wanted, want) = ours(packed, state), theirs(packed, state)
    same(pad_packed_sequence(out)[0], pad_packed_sequence(wanted)[0])
    assert torch.equal(out.unsorted_indices, wanted.unsorted_indices)
    same(got, want)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_unbatched_as_torch(kind: str) -> None:
    theirs, ours = (getattr(m, kind)(IN, H, 2, bidirectional=True, dtype=F64) for m in (nn, ls.nn))
    ours.load_state_dict(theirs.state_dict())
    x = random(T, IN)
    out, state = ours(x)
    wanted, final = theirs(x)
    same((out, *parts(state)), (wanted, *parts(final)))
    same(ours(x, state)[0], theirs(x, final)[0])


@pytest.mark.parametrize("name", ["lstm", "peephole", "minlstm"])
def test_no_steps_and_no_sequences(name: str) -> None:
    layer = stack(CELLS[name], num_layers=2, bidirectional=True)
    _, state = layer(random(T, B, IN))
    out, after, every = layer(random(0, B, IN), state, return_states=True)
    assert out.shape == (0, B, 2 * H)
    same(after, state)
    assert parts(every)[0].shape == (0, 4, B, H)
    out, after = layer(random(T, 0, IN), lengths=torch.zeros(0, dtype=torch.int64))
    assert (out.shape, parts(after)[0].shape) == ((T, 0, 2 * H), (4, 0, H))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", [{}, {"peephole": True, "bidirectional": True}], ids=str)
def test_compiled_and_exported(options: dict[str, Any], backend: str) -> None:
    torch.compiler.reset()  # or graphs of other tests count towards dynamo's limit
    layer, x = stir(ls.nn.LSTM(IN, H, backend=backend, **options)), torch.randn(3, B, IN)
    lengths = torch.tensor([3, 1, 2, 3])

    def ragged(x: Tensor) -> Tensor:
        return layer(x, lengths=lengths)[0]

    wanted = layer(x)[0]
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x)[0], wanted)
    whole = torch.compile(ragged, fullgraph=True, backend="eager")
    torch.testing.assert_close(whole(x), ragged(x))
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x)[0], wanted)


def test_equations_become_text_only_for_operators() -> None:
    before = to_text.cache_info().misses
    layer_of(bidirectional=True)(torch.ones(T, B, IN))
    assert to_text.cache_info().misses == before


def layer_of(**options: Any) -> Any:
    return ls.nn.LSTM(IN, H, **options)


def test_layers_print_as_they_are_built() -> None:
    assert repr(layer_of(peephole=True)) == "LSTM(3, 4, peephole=True)"
    assert repr(ls.nn.RNN(IN, H, 2, "relu")) == "RNN(3, 4, nonlinearity='relu', num_layers=2)"
    assert repr(stack(cells.MinGRU())) == "Recurrent(MinGRU(positive=False), 3, 4)"


def test_reports_say_what_runs_and_why() -> None:
    own = ls.nn.LSTM(IN, H, peephole=True, backend="torch").backend_report()
    assert own == (
        "torch: the equations in torch operations (asked for; torch's own kernel: these are not "
        "the equations of torch's LSTM, GRU or RNN)"
    )
    half = ls.nn.LSTM(IN, H, dtype=torch.float16).backend_report()
    assert half.startswith("torch: the equations in torch operations (")
    assert "torch's own kernels are used in float32 and float64, not in torch.float16" in half


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layer_of(backend="triton")(torch.ones(T, B, IN)), BackendError,
         "'triton' cannot run this"),
        (lambda: layer_of(zoneout=1.5), ConfigError, "zoneout: a probability from 0 to 1"),
        (lambda: layer_of(zoneout={"x": 0.1}), ConfigError, "no state 'x'; there are 'h', 'c'"),
        (lambda: layer_of(recurrent_dropout="gall:.1"), ConfigError, "did you mean 'gal'"),
        (lambda: layer_of(recurrent_dropout="gal"), ConfigError, "write 'gal:<rate>'"),
        (lambda: layer_of(recurrent_dropout=1), ConfigError, "from 0 to below"),
        (lambda: layer_of(dropout=True), ConfigError, "dropout: a probability"),
        (lambda: layer_of(merge="add"), ConfigError, "merge: 'add' is not known"),
        (lambda: layer_of(residual=True), ConfigError, "no layer's input and output have the same"),
        (lambda: layer_of(proj_size=H), ConfigError, "below hidden_size = 4"),
        (lambda: layer_of(num_layers=0), ConfigError, "num_layers: a whole number from 1"),
        (lambda: ls.nn.LSTM(IN, 2.5), ConfigError, "hidden_size: a whole number from 1"),
        (lambda: ls.nn.RNN(IN, H, recurrent_dropout="semeniuta:.1"), ConfigError, "no candidate"),
        (lambda: ls.nn.Recurrent(cells.IndRNN(), IN, H, weight_dropout=0.1), ConfigError,
         "cell IndRNN has no recurrent matrix"),
        (lambda: layer_of(dtype=torch.int32), ConfigError, "dtype: a floating point type"),
        (lambda: ls.nn.RNN(IN, H, init="chrono:9"), ConfigError, "gates that remember"),
        (lambda: layer_of(bias=False, init="chrono:9"), ConfigError, "gates that remember"),
        (lambda: layer_of()(torch.ones(T, B, IN + 1)), ConfigError, "must be input_size = 3, got"),
        (lambda: layer_of()(torch.ones(T)), ConfigError, r"\[T, B, I\], or \[T, I\] unbatched"),
        (lambda: layer_of()([1.0]), ConfigError, "x: a tensor or PackedSequence"),
        (lambda: layer_of()(torch.ones(T, B, IN, dtype=F64)), ConfigError, "x: is torch.float64"),
        (lambda: layer_of()(torch.ones(T, B, IN, device="meta")), ConfigError, "x: is on meta"),
        (lambda: layer_of()(torch.ones(T, B, IN), torch.ones(1, B, H)), ConfigError,
         r"state: a tuple \(h, c\) of tensors is expected, got a Tensor"),
        (lambda: layer_of()(torch.ones(T, B, IN), (torch.ones(1, B, H),)), ConfigError,
         "got a tuple of 1; pass what the layer returned"),
        (lambda: layer_of()(torch.ones(T, B, IN), (torch.ones(1, B, H), torch.ones(1, 1, H))),
         ConfigError, r"state c: shape \[L·D, B, W\] = \(1, 4, 4\) is expected, got \(1, 1, 4\)"),
        (lambda: ls.nn.GRU(IN, H)(torch.ones(T, IN), torch.ones(1, 1, H)), ConfigError,
         r"state h: shape \[L·D, W\] = \(1, 4\)"),
        (lambda: layer_of()(torch.ones(T, B, IN), lengths=torch.ones(B).bool()), ConfigError,
         "whole numbers are expected"),
        (lambda: layer_of()(torch.ones(T, B, IN), reset=torch.zeros(T, B)), ConfigError,
         "booleans of shape"),
        (lambda: layer_of()(torch.ones(T, IN), return_states=True), ConfigError, "need a batch"),
        (lambda: layer_of().step(torch.ones(IN)), ConfigError, r"x_t must be a tensor \[B, I\]"),
    ],
)  # fmt: skip
def test_misuse_is_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_weight_dropout_thins_out_recurrent_matrices_once_a_pass() -> None:
    layer, plain = layer_of(weight_dropout=0.4), layer_of()
    plain.load_state_dict(layer.state_dict())
    x = random(9, 2, IN).float()
    torch.manual_seed(5)
    found = layer(x)[0]
    torch.manual_seed(5)
    with torch.no_grad():
        plain.weight_hh_l0.copy_(F.dropout(plain.weight_hh_l0, 0.4))
    torch.testing.assert_close(found, plain(x)[0])
    assert not torch.equal(layer(x)[0], found)


def test_dropout_of_a_single_layer_warns() -> None:
    with pytest.warns(UserWarning, match="does nothing with num_layers=1"):
        layer_of(dropout=0.5)

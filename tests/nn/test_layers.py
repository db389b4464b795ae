"""`ls.nn` layers against their torch namesakes, and what they add."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import longshort as ls
from longshort import cells
from longshort.errors import BackendError, ConfigError
from longshort.nn.layers import NAMES
from longshort.nn.options import DEFAULTS
from tests.tensors import parts

KINDS = ["LSTM", "GRU", "RNN"]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 2, "batch_first": True},
    {"bias": False},
]
T, B, IN, H = 7, 4, 3, 5


def pair(kind: str, **options: Any) -> tuple[Any, Any]:
    """Ours and torch's layer with the same random weights, in float64."""
    torch.manual_seed(0)
    theirs = getattr(nn, kind)(IN, H, dtype=torch.float64, **options)
    ours = getattr(ls.nn, kind)(IN, H, dtype=torch.float64, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def example(batch_first: bool = False) -> Tensor:
    x = torch.randn(T, B, IN, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return x.transpose(0, 1).contiguous() if batch_first else x


@pytest.mark.parametrize("kind", KINDS)
def test_signature_starts_with_torchs(kind: str) -> None:
    wanted = {"LSTM": "input_size hidden_size num_layers bias batch_first dropout bidirectional "
              "proj_size device dtype",
              "GRU": "input_size hidden_size num_layers bias batch_first dropout bidirectional "
              "device dtype",
              "RNN": "input_size hidden_size num_layers nonlinearity bias batch_first dropout "
              "bidirectional device dtype"}[kind].split()  # fmt: skip
    found = inspect.signature(getattr(ls.nn, kind)).parameters
    assert [n for n, p in found.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_signature_has_every_option_of_layers_and_of_the_cell(kind: str) -> None:
    found = inspect.signature(getattr(ls.nn, kind)).parameters
    cell = {NAMES.get(f.name, f.name): f.default for f in fields(getattr(cells, kind))}
    if kind == "GRU":
        del cell["nonlinearity"]  # for `Recurrent(cells.GRU(activation=...))`, torch has none
    wanted = {**cell, **DEFAULTS}
    assert {name: found[name].default for name in wanted} == wanted
    assert DEFAULTS.keys() == ls.nn.LayerOptions.__annotations__.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_that_does_not_exist_is_refused(kind: str) -> None:
    with pytest.raises(TypeError, match=f"{kind}: there is no option 'zoneot'; .*'zoneout'"):
        getattr(ls.nn, kind)(IN, H, zoneot=0.1)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_torch_with_its_weights(kind: str, options: dict[str, Any]) -> None:
    ours, theirs = pair(kind, **options)
    x = example(options.get("batch_first", False))
    out, state = ours(x)
    wanted, wanted_state = theirs(x)
    assert torch.allclose(out, wanted, rtol=0, atol=1e-12)
    for got, want in zip(parts(state), parts(wanted_state), strict=True):
        assert torch.allclose(got, want, rtol=0, atol=1e-12)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_equal_each_sequence_alone(kind: str, options: dict[str, Any]) -> None:
    ours, theirs = pair(kind, **options)
    x = example(options.get("batch_first", False))
    lengths = torch.tensor([7, 2, 5, 1])
    out, state = ours(x, lengths=lengths)
    first = bool(options.get("batch_first"))
    for b, length in enumerate(lengths.tolist()):
        alone, final = theirs((x[b] if first else x[:, b])[:length])
        mine = out[b] if first else out[:, b]
        assert torch.allclose(mine[:length], alone, atol=1e-14)
        assert torch.equal(mine[length:], torch.zeros_like(mine[length:]))
        for got, want in zip(parts(state), parts(final), strict=True):
            assert torch.allclose(got[:, b], want, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_are_accepted(kind: str) -> None:
    ours, theirs = pair(kind)
    packed = pack_padded_sequence(example(), torch.tensor([7, 5, 2, 1]))
    out, _ = pad_packed_sequence(ours(packed)[0])
    wanted, _ = pad_packed_sequence(theirs(packed)[0])
    assert torch.allclose(out, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_with_carried_state_equal_the_whole(kind: str) -> None:
    ours, _ = pair(kind, num_layers=2)
    x = example()
    whole, final = ours(x)
    state, outputs = None, []
    for t in range(T):
        y, state = ours.step(x[t], state)
        outputs.append(y)
    assert torch.allclose(torch.stack(outputs), whole, atol=1e-14)
    for got, want in zip(parts(state), parts(final), strict=True):
        assert torch.allclose(got, want, atol=1e-14)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_reset_restarts_a_sequence_in_the_middle(kind: str, batch_first: bool) -> None:
    ours, theirs = pair(kind, num_layers=2, batch_first=batch_first)
    x = example(batch_first)
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[3, 1] = reset[5, 2] = True
    out, _ = ours(x, reset=reset)
    for b, start in ((0, 0), (1, 3), (2, 5)):
        rows = x[b : b + 1, start:] if batch_first else x[start:, b : b + 1]
        alone = theirs(rows)[0]
        mine = out[b : b + 1, start:] if batch_first else out[start:, b : b + 1]
        assert torch.allclose(mine, alone, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_all_states_are_those_of_the_steps_and_freeze_at_the_end(kind: str) -> None:
    ours, _ = pair(kind, num_layers=2)
    x, lengths = example(), torch.tensor([7, 3, 7, 7])
    _, final, states = ours(x, lengths=lengths, return_states=True)
    state = None
    for t in range(3):
        _, state = ours.step(x[t], state)
        for got, want in zip(parts(states), parts(state), strict=True):
            assert torch.allclose(got[t], want, atol=1e-14)
    for every, last in zip(parts(states), parts(final), strict=True):
        assert torch.equal(every[-1], last)
        assert torch.equal(every[2, :, 1], every[-1, :, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_weight_through_lengths(kind: str) -> None:
    ours, _ = pair(kind, num_layers=2, bidirectional=True)
    out, _ = ours(example(), lengths=torch.tensor([7, 2, 5, 1]))
    out.square().sum().backward()
    assert all(w.grad is not None and w.grad.abs().sum() > 0 for w in ours.parameters())


def test_recommended_start() -> None:
    layer = ls.nn.LSTM(8, 6)
    for gate in layer.weight_hh_l0.chunk(4):
        assert torch.allclose(gate @ gate.T, torch.eye(6), atol=1e-5)
    assert layer.bias_ih_l0.chunk(4)[1].tolist() == [1.0] * 6
    assert layer.bias_hh_l0.abs().sum() == 0


def test_torch_start_is_torchs() -> None:
    torch.manual_seed(3)
    theirs = nn.LSTM(IN, H)
    torch.manual_seed(3)
    ours = ls.nn.LSTM(IN, H, init="torch")
    bound = 1 / H**0.5
    assert all(w.abs().max() <= bound for w in ours.parameters())
    assert [w.shape for w in ours.parameters()] == [w.shape for w in theirs.parameters()]


def test_chrono_start_spans_the_lags() -> None:
    torch.manual_seed(0)
    layer = ls.nn.LSTM(4, 2000, init="chrono:100")
    input_bias, forget_bias = layer.bias_ih_l0.chunk(4)[:2]
    assert torch.equal(input_bias, -forget_bias)
    assert forget_bias.exp().min() >= 1.0
    assert forget_bias.exp().max() <= 99.0
    assert forget_bias.exp().mean().item() == pytest.approx(50, abs=2)


def test_projection_changes_the_output_size() -> None:
    out, (h, c) = ls.nn.LSTM(IN, H, proj_size=2)(
        torch.randn(T, B, IN), lengths=torch.ones(B).long()
    )
    assert (out.shape, h.shape, c.shape) == ((T, B, 2), (1, B, 2), (1, B, H))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ls.nn.LSTM(IN, H, backend="triton")(torch.ones(T, B, IN)), BackendError,
         "'triton' cannot run this"),
        (lambda: ls.nn.LSTM(IN, H, backend="torhc"), ConfigError, "did you mean 'torch'?"),
        (lambda: ls.nn.LSTM(IN, H, init="recomended"), ConfigError, "did you mean 'recommended'?"),
        (lambda: ls.nn.LSTM(IN, H, init="chrono:x"), ConfigError, "write 'chrono:<T>'"),
        (lambda: ls.nn.RNN(IN, H, init="chrono:9"), ConfigError, "biases of gates that remember"),
        (lambda: ls.nn.LSTM(IN, H)(torch.zeros(T, B, IN), lengths=torch.tensor([8, 1, 1, 1])),
         ConfigError, "between 1 and 7, the length of x; got 1 to 8"),
        (lambda: ls.nn.LSTM(IN, H)(torch.zeros(T, B, IN), lengths=torch.tensor([3])),
         ConfigError, r"4 whole numbers are expected, one a sequence; got shape \(1,\)"),
        (lambda: ls.nn.LSTM(IN, H)(torch.zeros(T, B, IN), lengths=torch.full((4,), float("nan"))),
         ConfigError, "whole numbers are expected"),
        (lambda: ls.nn.LSTM(IN, H)(torch.zeros(T, B, IN), reset=torch.zeros(T, 1).bool()),
         ConfigError, r"shape \[T, B\] = \(7, 4\) on cpu are expected"),
        (lambda: ls.nn.LSTM(IN, H, bidirectional=True).step(torch.zeros(B, IN)),
         BackendError, "the reverse direction needs the whole sequence"),
    ],
)  # fmt: skip
def test_misuse_is_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ls.nn.LSTM(IN, None), "hidden_size: a whole number from 1 is expected, got None"),
        (lambda: ls.nn.LSTM(IN, "8"), "hidden_size: a whole number from 1 is expected, got '8'"),
        (lambda: ls.nn.LSTM(IN, H, proj_size=None), r"proj_size: 0 \(none\) or .*, got None"),
        (lambda: ls.nn.LSTM(IN, H, backend=None), "backend: None is not known; there are 'auto'"),
        (lambda: ls.nn.LSTM(IN, H, merge=None), "merge: None is not known; there are 'concat'"),
        (lambda: ls.nn.LSTM(IN, H, init=None), "init: None is not known; there are 'recomm"),
        (lambda: ls.nn.LSTM(IN, H, init="chrono:9²"), "write 'chrono:<T>'"),
        (lambda: ls.nn.LSTM(IN, H, ablate=None), "ablate must be a tuple of different names"),
        (lambda: ls.nn.LSTM(IN, H, activations=None), "activations must be a tuple of 3 names"),
        (lambda: ls.nn.LSTM(IN, H, activations=("tanh",)), "activations must be a tuple of 3"),
        (lambda: ls.nn.LSTM(IN, H, dtype="float32"), "such as torch.float32, got 'float32'"),
        (lambda: ls.nn.LSTM(IN, H, peephole="no"), "peephole must be True or False, got 'no'"),
        (lambda: ls.nn.GRU(IN, H, layer_norm="carried"), "layer_norm must be True or False"),
        (lambda: ls.nn.LSTM(IN, H, bidirectional="no"), "bidirectional: True or False .*'no'"),
        (lambda: ls.nn.GRU(IN, H, bias=None), "bias: True or False is expected, got None"),
        (lambda: ls.nn.RNN(IN, H, batch_first=1), "batch_first: True or False is expected, got 1"),
    ],
)
def test_wrong_options_are_explained(build: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()


def test_options_of_several_names_may_be_lists() -> None:
    layer = ls.nn.LSTM(IN, H, ablate=["NIG"], activations=["sigmoid", "tanh", "relu"])
    assert repr(layer) == "LSTM(3, 5, ablate=('NIG',), activations=('sigmoid', 'tanh', 'relu'))"


def test_backend_report_says_what_runs() -> None:
    report = ls.nn.LSTM(IN, H, backend="torch").backend_report()
    assert report == (
        "torch: torch's own kernel (asked for); second derivatives, forward mode and transforms of "
        "torch.func run the equations in torch operations"
    )
    assert ls.nn.LSTM(IN, H).backend_report().split(":")[0] in ("native", "torch")

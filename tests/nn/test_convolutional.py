"""Recurrent layers over maps: known equations, gradients, causality, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from longshort import cells
from longshort.errors import ArgumentError, ArgumentTypeError, TensorError
from longshort.nn import ConvGRU, ConvLSTM, ConvRecurrent

T, B, IN, H, Y, X = 4, 2, 3, 5, 6, 7


def maps(*shape: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def made(kind: type[ConvRecurrent], *sizes: Any, **options: Any) -> ConvRecurrent:
    torch.manual_seed(0)
    layer = kind(*sizes, **options).double()
    with torch.no_grad():
        for each in layer.parameters():
            each.add_(0.1 * torch.randn_like(each))
    return layer


def plain_lstm(layer: ConvRecurrent, x: Tensor, peephole: bool) -> Tensor:
    """ConvLSTM as the paper writes it (eq. 3), one step and one gate after the other."""
    w = dict(layer.named_parameters())
    h = c = x.new_zeros(x.size(1), H, Y, X)
    found = []
    for frame in x:
        a = F.conv2d(frame, w["weight_ih_l0"], w["bias_ih_l0"], padding=1)
        b = F.conv2d(h, w["weight_hh_l0"], w["bias_hh_l0"], padding=1)
        i, f, g, o = (a + b).chunk(4, 1)
        if peephole:
            i, f = i + w["peephole_i_l0"] * c, f + w["peephole_f_l0"] * c
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        o = o + w["peephole_o_l0"] * c if peephole else o
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(h)
    return torch.stack(found)


def plain_gru(layer: ConvRecurrent, x: Tensor) -> Tensor:
    """ConvGRU with the reset gate after the product."""
    w = dict(layer.named_parameters())
    h = x.new_zeros(x.size(1), H, Y, X)
    found = []
    for frame in x:
        a = F.conv2d(frame, w["weight_ih_l0"], w["bias_ih_l0"], padding=1).chunk(3, 1)
        b = F.conv2d(h, w["weight_hh_l0"], w["bias_hh_l0"], padding=1).chunk(3, 1)
        r, z = torch.sigmoid(a[0] + b[0]), torch.sigmoid(a[1] + b[1])
        h = (1 - z) * torch.tanh(a[2] + r * b[2]) + z * h
        found.append(h)
    return torch.stack(found)


@pytest.mark.parametrize("peephole", [False, True])
def test_values_and_gradients_are_those_of_the_paper(peephole: bool) -> None:
    size = (Y, X) if peephole else None
    layer = made(ConvLSTM, IN, H, peephole=peephole, size=size)
    _same_as(layer, lambda x: plain_lstm(layer, x, peephole))


def test_values_and_gradients_of_the_gru() -> None:
    layer = made(ConvGRU, IN, H)
    _same_as(layer, lambda x: plain_gru(layer, x))


def _same_as(layer: ConvRecurrent, plain: Any) -> None:
    results = []
    for run in (lambda x: layer(x)[0], plain):
        x = maps(T, B, IN, Y, X).requires_grad_()
        y = run(x)
        weights = list(layer.parameters())
        results.append([y, *torch.autograd.grad((y * maps(*y.shape, seed=1)).sum(), [x, *weights])])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_gradients_equal_finite_differences(backend: str) -> None:
    layer = made(ConvLSTM, 1, 2, peephole=True, size=(3, 4), backend=backend)
    x, state = maps(2, 1, 1, 3, 4).requires_grad_(), maps(2, 1, 1, 2, 3, 4).requires_grad_()
    names = [name for name, _ in layer.named_parameters()]

    def outputs(x: Tensor, state: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        named = dict(zip(names, weights, strict=True))
        y, (h, c) = torch.func.functional_call(layer, named, (x, (state[0], state[1])))
        return y, h, c

    weights = [each.detach().requires_grad_() for each in layer.parameters()]
    assert torch.autograd.gradcheck(outputs, (x, state, *weights), fast_mode=True)


def test_the_future_does_not_leak() -> None:
    layer, x = made(ConvLSTM, IN, H, num_layers=2), maps(T, B, IN, Y, X)
    other = x.clone()
    other[2:] += 1
    first, second = layer(x)[0], layer(other)[0]
    assert torch.equal(first[:2], second[:2]) and not torch.equal(first[2], second[2])


def test_far_places_do_not_meet_within_a_step() -> None:
    layer, x = made(ConvLSTM, IN, H), maps(1, 1, IN, 9, 9)
    other = x.clone()
    other[..., 0, 0] += 1
    changed = (layer(x)[0] != layer(other)[0]).any(2)[0, 0]
    assert changed[:2, :2].all() and not changed[2:].any() and not changed[:, 2:].any()


@pytest.mark.parametrize("kind", [ConvLSTM, ConvGRU])
def test_parts_and_steps_are_the_whole(kind: type[ConvRecurrent]) -> None:
    layer, x = made(kind, IN, H, num_layers=2), maps(T, B, IN, Y, X)
    whole, final = layer(x)
    first, state = layer(x[:2])
    found = [*first]
    for frame in x[2:]:
        y, state = layer.step(frame, state)
        found.append(y)
    torch.testing.assert_close(torch.stack(found), whole, rtol=0, atol=1e-12)
    ours = state if isinstance(state, tuple) else (state,)
    theirs = final if isinstance(final, tuple) else (final,)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == (2, B, H, Y, X)
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_batch_first_turns_axes_and_nothing_else() -> None:
    layer, x = made(ConvLSTM, IN, H), maps(T, B, IN, Y, X)
    turned = made(ConvLSTM, IN, H, batch_first=True)
    turned.load_state_dict(layer.state_dict())
    assert torch.equal(turned(x.transpose(0, 1))[0].transpose(0, 1), layer(x)[0])


@pytest.mark.parametrize(
    "cell",
    [cells.LSTM(couple="f=1-i"), cells.LSTM(layer_norm="ba2016"), cells.RNN(), cells.JANET()],
    ids=repr,
)
def test_other_cells_run_over_maps(cell: cells.Cell) -> None:
    """A map of one place is a sequence of the plain layer, with the middle of each kernel."""
    from longshort.nn import Recurrent

    layer, plain = made(ConvRecurrent, cell, IN, H), Recurrent(cell, IN, H).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for name, each in layer.named_parameters():
            plain.get_parameter(name).copy_(each[..., 1, 1] if each.dim() == 4 else each)
    x = maps(T, B, IN, 1, 1)
    torch.testing.assert_close(layer(x)[0][..., 0, 0], plain(x[..., 0, 0])[0], rtol=0, atol=1e-12)


def test_bfloat16_is_for_training_alone() -> None:
    torch.manual_seed(0)
    layer = ConvLSTM(IN, H, precision="bfloat16")
    exact = ConvLSTM(IN, H)
    exact.load_state_dict(layer.state_dict())
    x = maps(T, B, IN, Y, X).float()
    near, wanted = layer(x)[0], exact(x)[0]
    assert near.dtype == torch.float32 and not torch.equal(near, wanted)
    torch.testing.assert_close(near, wanted, rtol=0, atol=0.02)
    assert torch.equal(layer.eval()(x)[0], wanted)


def test_weights_start_as_they_should() -> None:
    layer = ConvLSTM(IN, H)
    i, f, g, o = layer.get_parameter("bias_ih_l0").chunk(4)
    assert bool((f == 1).all()) and not i.any() and not g.any() and not o.any()
    gate = layer.get_parameter("weight_hh_l0").chunk(4)[0].flatten(1)
    torch.testing.assert_close(gate @ gate.T, torch.eye(H))


def test_the_work_is_counted() -> None:
    layer = ConvLSTM(IN, H, (5, 3))
    assert layer.flops(Y, X) == 2 * 4 * H * (25 * IN + 9 * H) * Y * X


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kernel_size": 4}, "kernel_size: an odd number"),
        ({"kernel_size": (3, 5, 7)}, "kernel_size: an odd number"),
        ({"size": (3,)}, "size: rows and columns"),
        ({"precision": "half"}, "precision: float32 or bfloat16"),
        ({"num_layers": 0}, "num_layers: a whole number from 1"),
        ({"backend": "nativ"}, "backend: 'nativ' is not known"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        ConvLSTM(IN, H, **options)


def test_wrong_maps_and_states_are_explained() -> None:
    layer = ConvLSTM(IN, H)
    with pytest.raises(ArgumentTypeError, match=r"x: maps \[T, B, I, Y, X\] with I = 3"):
        layer([1, 2])
    for shape in ((B, IN, Y, X), (T, B, IN + 1, Y, X), (0, B, IN, Y, X)):
        with pytest.raises(TensorError, match=r"x: maps \[T, B, I, Y, X\] with I = 3"):
            layer(torch.zeros(shape))
    x = torch.zeros(T, B, IN, Y, X)
    with pytest.raises(TensorError, match=r"state: tensors of the shapes"):
        layer(x, torch.zeros(1, B, H, Y, X))
    placed = ConvLSTM(IN, H, peephole=True, size=(4, 4))
    with pytest.raises(TensorError, match=r"maps of 4 x 4 places are expected"):
        placed(x)

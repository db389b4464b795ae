"""Gradients of gradients, batches of gradients and forward mode, by every backend.

Losses are no linear functions of the output and states are carried from chunk to chunk: then what
comes back depends on what was given, and derivatives go several ways at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.autograd.functional import hessian, jacobian

import longshort as ls
from longshort.engine.scan import MISSING
from tests.tensors import random

T, B, IN, H = 3, 2, 2, 3
F64 = torch.float64
BACKENDS = [name for name in ("torch", "native") if name not in MISSING]
LAYERS: dict[str, Callable[..., Any]] = {
    "lstm": ls.nn.LSTM,
    "peephole": lambda *sizes, **options: ls.nn.LSTM(*sizes, peephole=True, **options),
    "gru": ls.nn.GRU,
}
jit_is_deprecated = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")


def build(kind: str, backend: str, **options: Any) -> Any:
    torch.manual_seed(3)
    layer = LAYERS[kind](IN, H, dtype=F64, backend=backend, **options)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(0.5 * torch.randn_like(weight))
    return layer


def loss_of_chunks(layer: Any, x: Tensor) -> Tensor:
    """Of two chunks; the second takes up the state of the first, and an input made from it."""
    first, state = layer(x)
    second, _ = layer(2 * x + first.mean(), state)
    return first.pow(2).sum() + second.pow(3).sum()


def same(a: Any, b: Any, tolerance: float = 1e-11) -> None:
    for left, right in zip(a, b, strict=True):
        torch.testing.assert_close(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_gradient_penalties_equal_finite_differences(kind: str, backend: str) -> None:
    layer = build(kind, backend, num_layers=2)
    names = [name for name, _ in layer.named_parameters()]

    def penalty(x: Tensor, *weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))

        def run(*arguments: Any) -> Any:
            return torch.func.functional_call(layer, given, arguments)

        (slope,) = torch.autograd.grad(loss_of_chunks(run, x), x, create_graph=True)
        return slope.pow(2).sum()

    assert torch.autograd.gradcheck(penalty, [random(T, B, IN).requires_grad_(),
                                              *layer.parameters()])  # fmt: skip


def derivatives(layer: Any, order: int) -> tuple[Tensor, ...]:
    """Of x and the weights, of the last of `order` gradients."""
    x = random(T, B, IN).requires_grad_()
    found = loss_of_chunks(layer, x)
    for _ in range(order - 1):
        (slope,) = torch.autograd.grad(found, x, create_graph=True)
        found = slope.pow(2).sum()
    return torch.autograd.grad(found, [x, *layer.parameters()])


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_derivatives_of_any_order_are_torchs(kind: str, backend: str, order: int) -> None:
    ours = build(kind, backend)
    theirs = getattr(nn, kind.upper())(IN, H, dtype=F64)
    theirs.load_state_dict(ours.state_dict())
    same(derivatives(ours, order), derivatives(theirs, order))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_first_derivatives_do_not_depend_on_being_recorded(kind: str, backend: str) -> None:
    layer = build(kind, backend, bidirectional=True)
    x, lengths = random(T, B, IN), torch.tensor([2, 3])
    found = []
    for recorded in (False, True):
        _, state = layer(x, lengths=lengths)
        second, _ = layer(x, state, lengths=lengths)
        weights = list(layer.parameters())
        found.append(torch.autograd.grad(second.sum(), weights, create_graph=recorded))
    same(*found)
    assert [any(g.requires_grad for g in one) for one in found] == [False, True]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_second_derivatives_are_recorded_only_where_asked(kind: str, backend: str) -> None:
    layer, x = build(kind, backend), random(T, B, IN).requires_grad_()
    (slope,) = torch.autograd.grad(layer(x)[0].pow(2).sum(), x, create_graph=True)
    (found,) = torch.autograd.grad(slope.pow(2).sum(), x)
    assert not found.requires_grad


@pytest.mark.parametrize("backend", BACKENDS)
def test_states_that_nothing_flows_to_have_no_slope(backend: str) -> None:
    layer = ls.nn.Recurrent(ls.cells.PhasedLSTM(), IN, H, dtype=F64, backend=backend)
    _, (_, _, time) = layer(random(T, B, IN))
    found = torch.autograd.grad(time.sum() + 0 * layer.weight_ih_l0.sum(), layer.weight_ih_l0,
                                create_graph=True)  # fmt: skip
    assert found[0].eq(0).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_batches_of_gradients_equal_one_by_one(kind: str, backend: str) -> None:
    layer, x = build(kind, backend, num_layers=2), random(T, B, IN)
    same(jacobian(lambda x: layer(x)[0], x, vectorize=True), jacobian(lambda x: layer(x)[0], x))

    def loss(x: Tensor) -> Tensor:
        return loss_of_chunks(layer, x)

    same(hessian(loss, x, vectorize=True), hessian(loss, x))


@jit_is_deprecated
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_forward_mode_equals_the_jacobian(kind: str, backend: str, recorded: bool) -> None:
    layer, x, direction = build(kind, backend), random(T, B, IN), random(T, B, IN, seed=1)
    wanted = jacobian(lambda x: layer(x)[0], x).flatten(0, 2).flatten(1) @ direction.flatten()
    with torch.set_grad_enabled(recorded), forward_ad.dual_level():
        dual = forward_ad.make_dual(x, direction)
        whole = forward_ad.unpack_dual(layer(dual)[0]).tangent
        state, steps = None, []
        for t in range(T):
            y, state = layer.step(dual[t], state)
            steps.append(forward_ad.unpack_dual(y).tangent)
    same((whole.flatten(), torch.stack(steps).flatten()), (wanted, wanted))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_transforms_of_torch_func_inside_of_compiled_code(kind: str, backend: str) -> None:
    layer, x = build(kind, backend), random(T, B, IN)

    def samples(x: Tensor) -> Tensor:
        return torch.vmap(lambda one: layer(one)[0])(x)

    def slope(x: Tensor) -> Tensor:
        return torch.func.grad(lambda one: layer(one)[0].square().sum())(x)

    for work in (samples, slope):
        compiled = torch.compile(work, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), work(x))


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_derivatives_of_compiled_layers(backend: str) -> None:
    layer = build("lstm", backend)
    compiled = torch.compile(lambda x: loss_of_chunks(layer, x), backend="eager", fullgraph=True)
    x = random(T, B, IN).requires_grad_()
    (slope,) = torch.autograd.grad(compiled(x), x, create_graph=True)
    found = torch.autograd.grad(slope.pow(2).sum(), [x, *layer.parameters()])
    same(found, derivatives(layer, 2))

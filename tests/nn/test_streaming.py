"""Single steps: the short way is taken only where it computes what a call computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import longshort as ls
from longshort.engine.scan import MISSING
from longshort.errors import ConfigError
from tests.tensors import random

B, IN, H = 2, 3, 4
F64 = torch.float64
BACKENDS = [name for name in ("torch", "native") if name not in MISSING]
every_backend = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def build(kind: str = "LSTM", backend: str = "auto", **options: Any) -> Any:
    torch.manual_seed(3)
    return getattr(ls.nn, kind)(IN, H, dtype=F64, backend=backend, **options)


def same(got: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


class Stepping(nn.Module):
    """A model that streams."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.step(x)[0]


@every_backend
@pytest.mark.parametrize("way", ["weight_norm", "prune"])
def test_weights_that_are_computed_from_others(way: str, backend: str) -> None:
    layer = build(backend=backend)
    if way == "prune":
        prune.l1_unstructured(layer, "weight_hh_l0", 0.5)
        layer.weight_hh_l0_orig.mul_(2)
    else:
        parametrizations.weight_norm(layer, "weight_hh_l0")
        layer.parametrizations.weight_hh_l0.original0.mul_(2)
    x, state = random(B, IN), (random(1, B, H), random(1, B, H, seed=1))
    same(layer.step(x, state)[0], layer(x.unsqueeze(0), state)[0][0])


@every_backend
def test_hooks_see_a_sequence_of_one_step(backend: str) -> None:
    layer, x, seen = build(backend=backend), random(B, IN), []
    plain = layer.step(x)[0]
    before = layer.register_forward_pre_hook(lambda layer, given: seen.append(given[0].shape))
    same(layer.step(x)[0], plain)
    before.remove()
    layer.register_forward_hook(lambda layer, given, found: (found[0] + 1, found[1]))
    same(layer.step(x)[0], plain + 1)
    assert seen == [(1, B, IN)]


@every_backend
def test_ensembles_under_vmap(backend: str) -> None:
    models = [Stepping(build(backend=backend)) for _ in range(3)]
    for k, model in enumerate(models):
        model.layer.weight_ih_l0.mul_(k)
    weights, _ = torch.func.stack_module_state(models)
    x = random(B, IN)

    def run(one: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(models[0], one, x)

    same(torch.vmap(run)(weights), torch.stack([model(x) for model in models]))


@every_backend
def test_compiled_and_exported(backend: str) -> None:
    model, x, other = Stepping(build(backend=backend)), random(B, IN), random(B, IN, seed=1)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    same(compiled(x), model(x))
    for strict in (False, True):
        same(torch.export.export(model, (x,), strict=strict).module()(other), model(other))


@pytest.mark.filterwarnings("ignore:`torch.jit.trace", "ignore::torch.jit.TracerWarning")
@every_backend
def test_traces_follow_the_input(backend: str) -> None:
    model, other = Stepping(build(backend=backend)), random(B, IN, seed=1)
    same(torch.jit.trace(model, random(B, IN))(other), model(other))


@every_backend
def test_states_may_be_lists_where_a_call_takes_them(backend: str) -> None:
    x, h, c = random(B, IN), random(1, B, H), random(1, B, H, seed=1)
    layer = build(backend=backend)
    same(layer.step(x, [h, c])[0], layer.step(x, (h, c))[0])


@every_backend
@pytest.mark.parametrize(
    ("kind", "state"),
    [("GRU", "[h]"), ("GRU", "(h,)"), ("GRU", "{'h': h}"), ("GRU", "h.numpy()"), ("LSTM", "h"),
     ("LSTM", "(h, None)"), ("LSTM", "{'h': h, 'c': h}"), ("LSTM", "(h, h, h)"),
     ("LSTM", "(h, h[:, :1])"), ("LSTM", "(h, h.float())")],
)  # fmt: skip
def test_odd_states_are_explained(kind: str, state: str, backend: str) -> None:
    layer = build(kind, backend)
    with pytest.raises(ConfigError, match=r"^state"):
        layer.step(random(B, IN), eval(state, {"h": random(1, B, H)}))

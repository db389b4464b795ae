"""What layers are given that is not laid out, placed, or left alone as usual, by every backend."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import longshort as ls
from longshort import cells
from longshort.engine.ops import tanh
from longshort.engine.scan import MISSING
from longshort.engine.trace import State
from longshort.errors import ConfigError
from tests.tensors import random

T, B, IN, H = 5, 4, 3, 4
F64 = torch.float64
BACKENDS = [name for name in ("torch", "native") if name not in MISSING]
every_backend = pytest.mark.parametrize("backend", BACKENDS)
needs_native = pytest.mark.skipif("native" in MISSING, reason=MISSING.get("native", ""))


def lstm(backend: str = "auto", **options: Any) -> Any:
    torch.manual_seed(3)
    return ls.nn.LSTM(IN, H, dtype=F64, backend=backend, **options)


def same(got: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


# Lengths


@every_backend
@pytest.mark.parametrize(
    "lengths",
    [torch.tensor([[3, 9], [2, 9], [2, 9], [1, 9]])[:, 0], torch.tensor([2, 1, 3, 1]).int(),
     torch.tensor([2, 1, 3, 1], dtype=torch.uint16), torch.tensor(2).expand(B)],
    ids=["strided", "int32", "uint16", "expanded"],
)  # fmt: skip
def test_lengths_of_any_layout_and_kind(lengths: Tensor, backend: str) -> None:
    layer, x = lstm(backend), random(T, B, IN)
    wanted = layer(x, lengths=lengths.to(torch.int64).clone())[0]
    same(layer(x, lengths=lengths)[0], wanted)
    same(layer(x, lengths=[int(n) for n in lengths])[0], wanted)


@needs_native
def test_the_operator_reads_lengths_of_any_layout() -> None:
    layer, x = lstm("native"), random(T, B, IN)
    strided = torch.tensor([[3, 9], [2, 9], [2, 9], [1, 9]])[:, 0]

    def ragged(x: Tensor, lengths: Tensor) -> Tensor:
        return layer(x, lengths=lengths)[0]

    compiled = torch.compile(ragged, backend="eager", fullgraph=True)
    same(compiled(x, strided), ragged(x, strided.clone()))


@every_backend
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}], ids=str)
def test_lengths_changed_before_the_way_back_are_noticed(
    options: dict[str, Any], backend: str
) -> None:
    layer, lengths = lstm(backend, **options), torch.tensor([3, 1, 2, 3])
    loss = layer(random(T, B, IN), lengths=lengths)[0].sum()
    lengths.fill_(5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    ("lengths", "got"),
    [("ab", "a str"), (torch.ones(B, dtype=torch.int64, device="meta"), "on meta"),
     ([1, 2, 3], r"shape \(3,\)"), ([1, [2], 3, 4], "a list of 4")],
    ids=["text", "meta", "three", "nested"],
)  # fmt: skip
def test_what_are_no_lengths_is_explained(lengths: Any, got: str) -> None:
    with pytest.raises(ConfigError, match=f"lengths: 4 whole numbers are expected.*{got}"):
        lstm()(random(T, B, IN), lengths=lengths)


@every_backend
@pytest.mark.parametrize("bad", [0, T + 1])
def test_lengths_out_of_range_are_noticed_in_compiled_code(bad: int, backend: str) -> None:
    layer = lstm(backend)
    run = torch.compile(lambda x, n: layer(x, lengths=n)[0], backend="eager", fullgraph=True)
    x = random(T, B, IN)
    same(run(x, torch.tensor([3, 1, 5, 2])), layer(x, lengths=torch.tensor([3, 1, 5, 2]))[0])
    with pytest.raises(RuntimeError, match="lengths: each must lie between 1 and 5"):
        run(x, torch.tensor([3, bad, 5, 2]))


@every_backend
def test_resets_in_the_padding_change_nothing(backend: str) -> None:
    layer, x = lstm(backend, bidirectional=True), random(T, B, IN)
    lengths, state = torch.tensor([3, 1, 5, 4]), (random(2, B, H, seed=1), random(2, B, H, seed=2))
    inside = torch.arange(T).unsqueeze(1) < lengths
    reset = torch.zeros(T, B, dtype=torch.bool)
    reset[2, 0] = reset[3, 2] = True
    wanted, (h, _) = layer(x, state, lengths=lengths, reset=reset)
    found, (last, _) = layer(x, state, lengths=lengths, reset=reset | ~inside)
    assert torch.equal(found, wanted)
    assert torch.equal(last, h)


# Signs, dtypes, devices


def negated(*shape: int) -> Tensor:
    """Numbers with a change of sign that torch has not carried out yet."""
    values = torch.complex(random(*shape), random(*shape, seed=1)).conj().imag
    assert values.is_neg()
    return values


@every_backend
@pytest.mark.parametrize("recorded", [False, True])
def test_pending_signs_are_carried_out(recorded: bool, backend: str) -> None:
    layer, x = ls.nn.LSTM(1, 1, dtype=F64, backend=backend), negated(T, 1, 1)
    state = (negated(1, 1, 1), negated(1, 1, 1))
    plain = [value.clone().resolve_neg() for value in (x, *state)]
    with torch.set_grad_enabled(recorded):
        same(layer(x, state)[0], layer(plain[0], tuple(plain[1:]))[0])
        same(layer.step(x[0], state)[0], layer.step(plain[0][0], tuple(plain[1:]))[0])


@every_backend
def test_pending_signs_of_gradients_and_weights_are_carried_out(backend: str) -> None:
    layer = ls.nn.RNN(1, 1, dtype=F64, backend=backend)
    for name, weight in list(layer.named_parameters()):
        setattr(layer, name, nn.Parameter(negated(*weight.shape)))
    plain = ls.nn.RNN(1, 1, dtype=F64, backend=backend)
    plain.load_state_dict(layer.state_dict())
    x, slope, found = random(T, B, 1), negated(T, B, 1), []
    for one, incoming in ((layer, slope), (plain, slope.clone().resolve_neg())):
        out = one(x)[0]
        found.append((out, *torch.autograd.grad(out, list(one.parameters()), incoming)))
    for got, wanted in zip(*found, strict=True):
        same(got, wanted)


class Scaled(cells.Cell):
    """A cell whose recurrence is a product of parameters."""

    gates = ("a",)

    def maps(self, n: cells.Sizes) -> dict[str, cells.Map]:
        return {**super().maps(n), "up": cells.Map(n.hidden, n.hidden, bias=False)}

    def vectors(self, n: cells.Sizes) -> dict[str, cells.Vector]:
        return {"v": cells.Vector(n.hidden, cells.Start(1.0))}

    def step(self, x: Any, s: Any, p: Any) -> tuple[Any, State]:
        h = tanh(p.ih(x) + p.up(p.v) * s.h)
        return h, State(h=h)


@needs_native
def test_autocast_leaves_the_native_scan_alone() -> None:
    torch.manual_seed(0)
    layer, x = ls.nn.Recurrent(Scaled(), IN, 8, backend="native"), torch.randn(T, B, IN)
    wanted = layer(x)[0]
    with torch.autocast("cpu"):
        found = layer(x)[0]
    assert torch.equal(found, wanted)


@every_backend
@pytest.mark.parametrize("recorded", [False, True])
def test_another_default_device_changes_nothing(recorded: bool, backend: str) -> None:
    layer, x, lengths = lstm(backend, bidirectional=True), random(T, B, IN), [3, 1, 5, 4]
    forward = lstm(backend)
    with torch.set_grad_enabled(recorded):
        wanted = layer(x, lengths=lengths, return_states=True)
        step = forward.step(x[0])[0]
        with torch.device("meta"):
            found = layer(x, lengths=lengths, return_states=True)
            same(forward.step(x[0])[0], step)
            if recorded:
                (slope,) = torch.autograd.grad(found[0].sum(), layer.weight_hh_l0,
                                               create_graph=True)  # fmt: skip
                assert slope.device.type == "cpu"
    same(found[0], wanted[0])
    for got, want in zip(found[2], wanted[2], strict=True):
        same(got, want)


# Weights


@every_backend
@pytest.mark.parametrize("shape", [(4 * H, 2), (4 * H, H + 1), (H, H), (1,)])
def test_weights_of_another_shape_are_refused(shape: tuple[int, ...], backend: str) -> None:
    layer, x = lstm(backend), random(T, B, IN)
    layer.weight_hh_l0 = nn.Parameter(torch.ones(shape, dtype=F64))
    expected = r"weight_hh_l0: the layer was built with shape \(16, 4\), the weight has"
    with pytest.raises(ConfigError, match=expected):
        layer(x)
    with torch.no_grad(), pytest.raises(ConfigError, match=expected):
        layer.step(x[0])


# torch itself


def in_new_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


PRIVATE = ["_len_torch_dispatch_stack", "_are_functorch_transforms_active", "_is_tracing",
           "_has_storage"]  # fmt: skip


@needs_native
@pytest.mark.parametrize("name", PRIVATE)
def test_a_torch_without_a_private_name_still_runs_natively(name: str) -> None:
    code = (
        "import torch\n"
        f"found = torch._C.{name}\n"
        f"del torch._C.{name}\n"
        "import longshort as ls, longshort.nn\n"
        f"torch._C.{name} = found\n"
        "layer, x = ls.nn.GRU(2, 3), torch.ones(4, 1, 2)\n"
        "print(layer.backend_report().split(':')[0])\n"
        "other = ls.nn.GRU(2, 3, backend='torch')\n"
        "other.load_state_dict(layer.state_dict())\n"
        "layer(x)[0].sum().backward(), other(x)[0].sum().backward()\n"
        "pairs = zip(layer.parameters(), other.parameters())\n"
        "print(all(torch.allclose(a.grad, b.grad, atol=1e-6) for a, b in pairs))\n"
    )
    done = in_new_process(code)
    assert done.stdout.split() == ["native", "True"], done.stderr


@needs_native
def test_only_a_missing_extension_is_called_missing() -> None:
    module = "longshort.engine.executors.native.run"
    done = in_new_process(f"import sys\nsys.modules[{module!r}] = None\nimport longshort.nn\n")
    assert done.returncode != 0
    assert module in done.stderr

"""The LSTM that was written and derived by hand says the same as the derived one, and as torch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from longshort.cells import LSTM, Sizes
from longshort.engine.derive import derive
from longshort.engine.executors import numpy as reference
from longshort.engine.trace import Mode, trace
from tests.paths import ROOT

SCRIPT = ROOT / "examples" / "lstm_from_scratch.py"
T, B, H = 7, 4, 5
INPUTS = 3
LENGTHS = np.array([7, 2, 5, 1])
CLOSE: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-13}


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lstm_from_scratch", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WITNESS = load()


class Case:
    """Random asymmetric weights, ragged sequences, states that are not 0, all gradients asked."""

    def __init__(self, peephole: bool) -> None:
        draw = np.random.default_rng(3)
        shapes = {"W": (4 * H, INPUTS), "R": (4 * H, H), "b": (4 * H,)}
        shapes |= {f"p_{gate}": (H,) for gate in "ifo"} if peephole else {}
        self.params = {name: draw.normal(size=shape) for name, shape in shapes.items()}
        self.x, self.dy = draw.normal(size=(T, B, INPUTS)), draw.normal(size=(T, B, H))
        self.h, self.c, self.dh, self.dc = (draw.normal(size=(B, H)) for _ in range(4))
        self.mask = (np.arange(T)[:, None] < LENGTHS).astype(float)


@pytest.mark.parametrize("peephole", [False, True])
def test_by_hand_as_derived(peephole: bool) -> None:
    case = Case(peephole)
    y, (h, c), tape = WITNESS.forward(case.params, case.x, case.h, case.c, case.mask)
    grads, dx, (dh, dc) = WITNESS.backward(case.params, tape, case.dy, case.dh, case.dc)

    graph = trace(LSTM(peephole=peephole), Sizes(INPUTS, H), Mode(ragged=True))
    names = {"W": "weight_ih", "R": "weight_hh", "b": "bias_ih"}
    names |= {f"p_{gate}": f"peephole_{gate}" for gate in "ifo"} if peephole else {}
    parameters = {names[name]: value for name, value in case.params.items()}
    parameters["bias_hh"] = np.zeros(4 * H)
    inputs = {"x": case.x, "alive": case.mask[..., None]}
    run = reference.forward(graph, parameters, inputs, {"h": case.h, "c": case.c})
    np.testing.assert_allclose(y, run.output, **CLOSE)
    np.testing.assert_allclose(h, run.final["h"], **CLOSE)
    np.testing.assert_allclose(c, run.final["c"], **CLOSE)

    final = {"h": case.dh, "c": case.dc}
    back = reference.backward(derive(graph), parameters, inputs, run, case.dy, final)
    assert grads.keys() == names.keys()
    for name, stored in names.items():
        np.testing.assert_allclose(grads[name], back.parameters[stored], **CLOSE, err_msg=name)
    np.testing.assert_allclose(dx, back.inputs["x"], **CLOSE)
    np.testing.assert_allclose(dh, back.state["h"], **CLOSE)
    np.testing.assert_allclose(dc, back.state["c"], **CLOSE)


def test_by_hand_as_torch() -> None:
    case = Case(peephole=False)
    y, (h, c), tape = WITNESS.forward(case.params, case.x, case.h, case.c, case.mask)
    grads, dx, (dh, dc) = WITNESS.backward(case.params, tape, case.dy, case.dh, case.dc)

    layer = torch.nn.LSTM(INPUTS, H, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.from_numpy(case.params["W"]))
        layer.weight_hh_l0.copy_(torch.from_numpy(case.params["R"]))
        layer.bias_ih_l0.copy_(torch.from_numpy(case.params["b"]))
        layer.bias_hh_l0.zero_()
    x, h0, c0 = (torch.from_numpy(a).requires_grad_() for a in (case.x, case.h[None], case.c[None]))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.from_numpy(LENGTHS), enforce_sorted=False
    )
    out, (h_n, c_n) = layer(packed, (h0, c0))
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    given = [torch.from_numpy(a) for a in (case.dy, case.dh[None], case.dc[None])]
    torch.autograd.backward([out, h_n, c_n], given)

    pairs = [(y, out), (h, h_n[0]), (c, c_n[0]), (dx, x.grad), (dh, h0.grad), (dc, c0.grad)]
    pairs += [(grads["W"], layer.weight_ih_l0.grad), (grads["R"], layer.weight_hh_l0.grad)]
    pairs += [(grads["b"], layer.bias_ih_l0.grad)]
    for by_hand, by_torch in pairs:
        assert by_torch is not None
        np.testing.assert_allclose(by_hand, by_torch.detach().reshape(by_hand.shape), **CLOSE)


@pytest.mark.parametrize("peephole", [False, True])
def test_its_own_gradient_check_is_passed_and_can_fail(
    peephole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WITNESS.check_gradients(peephole) < 1e-8
    right = WITNESS.backward

    def wrong(*given: Any) -> Any:
        grads, *rest = right(*given)
        grads["R"][0, 0] += 0.01
        return grads, *rest

    monkeypatch.setattr(WITNESS, "backward", wrong)
    assert WITNESS.check_gradients(peephole) > 1e-3


def test_the_script_learns_and_says_so() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True)
    error = float(done.stdout.split("after training ")[1].split()[0])
    assert error < 0.02, done.stdout

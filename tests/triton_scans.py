"""What the triton executor computes: in Triton's interpreter on the CPU, or else on a CUDA device.

`engine/test_triton.py` runs this file in the interpreter, `benchmarks/gpu.sh` on a device.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import longshort as ls
from longshort import cells
from longshort.engine.derive import derive
from longshort.engine.executors import numpy as reference
from longshort.engine.executors.common.contract import Job
from longshort.engine.executors.common.plan import plan
from longshort.engine.executors.triton import executor as triton
from longshort.engine.executors.triton import plan as triton_plan
from longshort.engine.executors.triton import record as triton_record
from longshort.engine.executors.triton import run as triton_run
from longshort.engine.parameters import Sizes
from tests import cell_table as table
from tests.cell_table import TRIALS, Trial

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")

DEVICE = torch.device("cpu" if triton.INTERPRETED else "cuda")
STEPS = 3
WAYS = {"single kernel": triton_plan.MATRIX_NUMBERS, "matmul a step": 0}
"""The loop as one kernel where that is possible, or as a product and a kernel for each step."""

KEYS = {name: list(WAYS)[place % 2] for place, name in enumerate(TRIALS)}
"""Each trial goes one way, and those below both."""

BOTH = ("LSTM-plain", "LSTM-norm-ba2016", "LSTM-FGR-peephole", "GRU-plain", "GRU-before",
        "RNN-plain", "ONLSTM-plain", "ONLSTM-zoneout-expected", "HMLSTM-plain")  # fmt: skip


@pytest.fixture(autouse=True)
def somewhere_to_run() -> None:
    there = triton.INTERPRETED or torch.cuda.is_available()
    assert there, "set TRITON_INTERPRET=1, or run this where there is a CUDA device"


def tensors(arrays: table.Arrays, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    return {name: torch.tensor(v, dtype=dtype, device=DEVICE) for name, v in arrays.items()}


def randn(*shape: int, **options: Any) -> Tensor:
    return torch.randn(*shape, device=DEVICE, **options)


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda name: monkeypatch.setattr(triton_plan, "MATRIX_NUMBERS", WAYS[name])


def close(got: Tensor, want: Any, tolerance: float) -> None:
    numbers = got.detach().double().cpu().numpy()
    scale = 1e-3 + np.abs(want).max(initial=0.0)
    np.testing.assert_allclose(numbers, want, rtol=0, atol=tolerance * scale)


def check(
    trial: Trial, dtype: torch.dtype = torch.float32, tolerance: float = 1e-4, steps: int = STEPS
) -> None:
    """Outputs, final states and all gradients are those of the numpy executor."""
    case = table.case(trial, steps=steps)

    def arrays(given: dict[str, Tensor]) -> table.Arrays:
        return {k: v.detach().double().cpu().numpy() for k, v in given.items()}

    groups = [tensors(group, dtype) for group in (case.parameters, case.inputs, case.state)]
    for value in (v for group in groups for v in group.values()):
        value.requires_grad_()
    parameters, inputs, state = groups
    for spec in case.graph.inputs:
        inputs[spec.name].requires_grad_(spec.differentiable)
    job = Job({False: plan(case.graph)}, parameters, inputs, state, None, False)
    found = triton.execute(job)
    weights = tensors(case.weights, dtype)
    loss = (found.output * weights["output"]).sum()
    loss = loss + sum((found.final[k] * weights[k]).sum() for k in state)
    free = [spec.name for spec in case.graph.inputs if spec.differentiable]
    leaves = [*parameters.values(), *(inputs[k] for k in free), *state.values()]
    grads = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)

    given = arrays(parameters), arrays(inputs), arrays(state)
    wanted = reference.forward(case.graph, *given)
    ends = {k: case.weights[k] for k in state}
    back = reference.backward(derive(case.graph), *given[:2], wanted, case.weights["output"], ends)
    close(found.output, wanted.output, tolerance)
    for k in state:
        close(found.final[k], wanted.final[k], tolerance)
    expected = [*(back.parameters[k] for k in parameters), *(back.inputs[k] for k in free),
                *(back.state[k] for k in state)]  # fmt: skip
    for got, want in zip(grads, expected, strict=True):
        close(got, want, tolerance)


def check_inference(trial: Trial) -> None:
    """Without gradients, what is computed is scheduled differently."""
    case = table.case(trial, steps=STEPS)
    wanted = reference.forward(case.graph, case.parameters, case.inputs, case.state)

    given = map(tensors, (case.parameters, case.inputs, case.state))
    found = triton.execute(Job({False: plan(case.graph)}, *given, None, True))
    close(found.output, wanted.output, 1e-4)
    for name, states in found.states.items():
        close(states, np.stack([states[name] for states in wanted.states[1:]]), 1e-4)


@pytest.mark.parametrize("name", TRIALS)
def test_every_cell_equals_the_reference_with_all_gradients(
    name: str, way: Callable[[str], None]
) -> None:
    way(KEYS[name])
    check(TRIALS[name], steps=2)


@pytest.mark.parametrize("name", BOTH)
def test_some_cells_the_other_way(name: str, way: Callable[[str], None]) -> None:
    way(next(key for key in WAYS if key != KEYS[name]))
    check(TRIALS[name])
    check_inference(TRIALS[name])


@pytest.mark.parametrize("key", WAYS)
@pytest.mark.parametrize("name", ["LSTM-peephole", "GRU-before", "SLSTM-plain", "ONLSTM-plain"])
def test_ends_and_resets(name: str, key: str, way: Callable[[str], None]) -> None:
    way(key)
    check(TRIALS[name].within(ragged=True, reset=True))


@pytest.mark.parametrize("key", WAYS)
def test_more_units_and_sequences_than_a_tile_has(key: str, way: Callable[[str], None]) -> None:
    way(key)
    check(replace(TRIALS["LSTM-norm-ba2016-peephole"], sizes=Sizes(3, 20)))
    check(replace(TRIALS["LSTM-projection"], cell=cells.LSTM(projection=17), sizes=Sizes(2, 20)))


def test_double_precision() -> None:
    check(TRIALS["LSTM-peephole"], torch.float64, 1e-10)
    check(TRIALS["LSTM-norm-ba2016"], torch.float64, 1e-10)


T, B, IN, H = 4, 3, 3, 4


def layers(**options: Any) -> tuple[Any, Any]:
    """The same layer by triton and by torch."""
    torch.manual_seed(0)
    ours = ls.nn.LSTM(IN, H, peephole=True, backend="triton", device=DEVICE, **options)
    theirs = ls.nn.LSTM(IN, H, peephole=True, backend="torch", device=DEVICE, **options)
    with torch.no_grad():
        for weight in ours.parameters():
            weight.copy_(0.5 * torch.randn_like(weight))
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def same(a: Any, b: Any) -> None:
    for left, right in zip(a, b, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("key", WAYS)
def test_a_layer_with_everything(key: str, way: Callable[[str], None]) -> None:
    way(key)
    results = []
    for layer in layers(bidirectional=True, num_layers=2):
        torch.manual_seed(1)
        x = randn(B, T, IN).transpose(0, 1).requires_grad_()
        state = tuple(randn(4, B, H, requires_grad=True) for _ in range(2))
        out, (h, c), every = layer(
            x,
            state,
            lengths=torch.tensor([4, 1, 3]),
            reset=torch.rand(T, B, device=DEVICE) < 0.3,
            return_states=True,
        )
        values = (out, h, c, *every)
        loss = sum((value * torch.randn_like(value)).sum() for value in values)
        grads = torch.autograd.grad(loss, [x, *state, *layer.parameters()])
        results.append((*values, *grads))
    same(*results)


def test_second_derivatives() -> None:
    results = []
    for layer in layers():
        torch.manual_seed(1)
        x = randn(T, B, IN, requires_grad=True)
        before, state = layer(x)
        out, (_, c) = layer(x + before.mean(), state, lengths=torch.tensor([4, 1, 3]))
        loss, leaves = out.pow(2).sum() + c.sum(), [x, *layer.parameters()]
        firsts = torch.autograd.grad(loss, leaves, create_graph=True)
        results.append((*firsts, *torch.autograd.grad(sum(g.pow(2).sum() for g in firsts), leaves)))
    same(*results)


def test_transforms_of_torch_func() -> None:
    x = randn(2, T, B, IN)
    same(*(
        (torch.func.vmap(lambda one, layer=layer: layer(one)[0])(x),
         torch.func.grad(lambda one, layer=layer: layer(one)[0].sum())(x[0]))
        for layer in layers()
    ))  # fmt: skip


def test_compiled_and_exported() -> None:
    ours, _ = layers()
    x = randn(T, B, IN)
    wanted = ours(x)[0]
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x)[0], wanted)
    first = torch.autograd.grad(compiled(x)[0].sum(), list(ours.parameters()))
    same(first, torch.autograd.grad(ours(x)[0].sum(), list(ours.parameters())))
    torch.testing.assert_close(torch.export.export(ours, (x,)).module()(x)[0], wanted)


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("batch", [0, 1])
def test_little_and_nothing(steps: int, batch: int) -> None:
    results = []
    for layer in layers():
        torch.manual_seed(1)
        x = randn(steps, batch, IN)
        out, state = layer(x)
        grads = ()
        if steps:
            grads = torch.autograd.grad(out.sum() + state[1].sum(), layer.parameters())
        results.append((out, *state, *grads))
    same(*results)


def test_recorded_loops_do_not_overwrite_what_was_given_out(
    way: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA's replay on a device; in the interpreter the same launches again on the same tensors."""
    replays: list[int] = []
    original = triton_record.record

    def record(work: Callable[[], None]) -> Callable[[], None]:
        again = work if triton.INTERPRETED else original(work)

        def replay() -> None:
            replays.append(1)
            again()

        return replay

    way("matmul a step")
    monkeypatch.setattr(triton_run, "records", lambda like: True)
    monkeypatch.setattr(triton_record, "record", record)
    monkeypatch.setattr(triton_record, "_KEPT", OrderedDict())
    ours, theirs = layers()
    results = []
    for layer in (ours, theirs):
        torch.manual_seed(1)
        given = [randn(T, B, IN, requires_grad=True) for _ in range(4)]
        outs = [layer(x)[0] for x in given]
        grads = [torch.autograd.grad(out.pow(2).sum(), [x, *layer.parameters()])
                 for x, out in zip(given, outs, strict=True)]  # fmt: skip
        results.append([*outs, *(g for group in grads for g in group)])
        with torch.no_grad():
            for weight in layer.parameters():
                weight.mul_(0.5)
        results[-1].append(layer(given[0])[0])
    same(*results)
    assert len(replays) == 2 * 3 + 1
    assert len(triton_record._KEPT) == 2

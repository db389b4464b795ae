"""Packed weights: a row's bits depend on nothing but the row; formats of weights; no torch."""

from __future__ import annotations

import gc
import subprocess
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import longshort as ls
from longshort import cells
from longshort.cells import Sizes
from longshort.engine.executors import numpy as reference
from longshort.engine.executors.common.contract import Job
from longshort.engine.executors.common.plan import plan
from longshort.engine.executors.native.weights import quantised, widened
from longshort.engine.graph import Graph
from longshort.engine.trace import Mode, trace
from longshort.errors import ArgumentError, BackendError
from tests.cell_table import TRIALS, case

_native = pytest.importorskip("longshort._native", exc_type=ImportError)
inference = pytest.importorskip("longshort.engine.executors.native.inference", exc_type=ImportError)
runner = pytest.importorskip("longshort.engine.executors.native.run", exc_type=ImportError)
compiling = pytest.importorskip("longshort.engine.executors.native.compile", exc_type=ImportError)
compile_forward, compile_training = compiling.compile_forward, compiling.compile_training
PackedLayer, PackedStack = inference.PackedLayer, inference.PackedStack
WEIGHTS = list(inference.WEIGHTS)

Array = NDArray[Any]
BATCHES = (1, 2, 3, 7, 8, 12, 13, 16, 64)
T = 5
PLAIN = [name for name, trial in TRIALS.items() if len(trace(trial.cell, trial.sizes,
         replace(trial.mode, training=False)).inputs) == 1]  # fmt: skip
"""Trials whose inference takes x alone; noise is drawn in training."""
ISAS = _native.isas()


def graph_of(name: str) -> Graph:
    trial = TRIALS[name]
    return trace(trial.cell, trial.sizes, replace(trial.mode, training=False))


@cache
def numbers(name: str) -> tuple[dict[str, Array], Array, tuple[Array, ...]]:
    """Parameters, x [T, 64, I] and states [1, 64, W]."""
    trial, graph = TRIALS[name], graph_of(name)
    parameters = case(replace(trial, mode=replace(trial.mode, training=False))).parameters
    many = [case(trial, seed, T) for seed in range(64 // 4)]
    x = np.concatenate([one.inputs["x"] for one in many], 1)
    states = [np.concatenate([one.state[n] for one in many])[None] for n in graph.state_sizes]
    return parameters, x, tuple(states)


def equal(found: Array, wanted: Array) -> None:
    """The same bits; of NaN too."""
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def rows(state: tuple[Array, ...], batch: int) -> tuple[Array, ...]:
    return tuple(value[:, :batch] for value in state)


# One order of sums


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", PLAIN)
def test_a_row_has_the_same_bits_in_every_batch_whole_in_pieces_and_step_by_step(
    name: str, weights: str
) -> None:
    parameters, x, state = numbers(name)
    stack = PackedStack([(graph_of(name), parameters)], weights)
    output, final = stack.run(x, state)
    for batch in BATCHES:
        part, given = x[:, :batch], rows(state, batch)
        whole, after = stack.run(part, given)
        equal(whole, output[:, :batch])
        first, between = stack.run(part[:2], given)
        second, last = stack.run(part[2:], between)
        equal(np.concatenate([first, second]), whole)
        stepped = []
        for row in part:
            y, given = stack.step(row, given)
            stepped.append(y)
        equal(np.stack(stepped), whole)
        for one, two, three, every in zip(after, last, given, final, strict=True):
            equal(one, every[:, :batch])
            equal(two, one)
            equal(three, one)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", PLAIN)
def test_unpacked_weights_have_the_bits_of_packed_ones(name: str, dtype: torch.dtype) -> None:
    """The scan of torch tensors, whose weights are not packed where rows are few."""
    parameters, x, state = numbers(name)
    graph = graph_of(name)
    given = {n: torch.tensor(v).to(dtype) for n, v in parameters.items()}

    def job(batch: int, steps: int) -> Job:
        first = [torch.tensor(v[0, :batch]).to(dtype) for v in state]
        x_part = torch.tensor(x[:steps, :batch]).to(dtype)
        names = dict(zip(graph.state_sizes, first, strict=True))
        return Job({False: plan(graph)}, given, {"x": x_part}, names)

    for steps in (1, T):
        every = runner.run_forward(job(64, steps))
        del every[1]
        for batch in BATCHES:
            found = runner.run_forward(job(batch, steps))
            del found[1]
            assert torch.equal(found[0].nan_to_num(), every[0][:, :batch].nan_to_num())
            for one, all_rows in zip(found[1:], every[1:], strict=True):
                assert torch.equal(one.nan_to_num(), all_rows[:batch].nan_to_num())


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("hidden", [1, 7, 33, 70])
@pytest.mark.parametrize("cell", [cells.LSTM(peephole=True), cells.GRU()], ids=["lstm", "gru"])
def test_odd_sizes_on_every_instruction_set(
    cell: cells.Cell, hidden: int, weights: str, isa: str
) -> None:
    graph, parameters = layer(cell, 5, hidden)
    draw = np.random.default_rng(1)
    x = draw.normal(size=(T, 64, 5))
    output, _ = (stack := PackedStack([(graph, parameters)], weights, isa)).run(x)
    for batch in BATCHES:
        equal(stack.run(x[:, :batch])[0], output[:, :batch])
    step, _ = stack.step(x[0, :13])
    equal(step, output[0, :13])


@pytest.mark.parametrize("weights", WEIGHTS)
def test_threads_change_no_bit(weights: str) -> None:
    """Also where they share the columns of a step, as they do for one large sequence."""
    model = layers(cells.LSTM(), 5, 184, 2)
    x = np.random.default_rng(1).normal(size=(20, 16, 5))
    alone, together = PackedStack(model, weights), PackedStack(model, weights, threads=2)
    lengths = np.array([20, 1, 7, 7, 19, 20, 3, 11, 12, 13, 14, 15, 16, 17, 18, 2])
    for batch, given in ((1, None), (3, None), (16, None), (16, lengths)):
        (output, final), (other, last) = (
            stack.run(x[:, :batch], lengths=given) for stack in (alone, together)
        )
        equal(other, output)
        for one, two in zip(final, last, strict=True):
            equal(two, one)


def test_sequences_of_different_lengths() -> None:
    graph, parameters = layer(cells.LSTM(), 5, 9)
    stack = PackedStack([(graph, parameters)])
    x, lengths = np.random.default_rng(1).normal(size=(6, 4, 5)), np.array([2, 6, 1, 4])
    output, final = stack.run(x, lengths=lengths)
    for b, length in enumerate(lengths):
        one, state = stack.run(x[:length, b : b + 1])
        equal(output[:length, b : b + 1], one)
        assert not output[length:, b].any()
        for value, alone in zip(final, state, strict=True):
            equal(value[:, b : b + 1], alone)


def test_a_torch_layer_has_the_same_bits_whole_and_step_by_step() -> None:
    torch.manual_seed(0)
    for name in PLAIN:
        trial = TRIALS[name]
        own = ls.nn.Recurrent(trial.cell, 3, trial.sizes.hidden, backend="native").eval()
        x = torch.randn(T, 20, 3)
        with torch.no_grad():
            whole, _ = own(x)
            stepped, state = [], None
            for row in x:
                y, state = own.step(row, state)
                stepped.append(y)
            alone, _ = own(x[:, 7:8])
        assert torch.equal(torch.stack(stepped).nan_to_num(), whole.nan_to_num()), name
        assert torch.equal(alone.nan_to_num(), whole[:, 7:8].nan_to_num()), name


# What is computed


def layer(cell: cells.Cell, inputs: int, hidden: int, seed: int = 0) -> tuple[Graph, Any]:
    sizes = Sizes(inputs, hidden)
    draw = np.random.default_rng(seed)
    shapes = cell.parameter_shapes(sizes)
    return trace(cell, sizes, Mode()), {
        name: draw.normal(size=shape).astype(np.float32) / np.sqrt(hidden)
        for name, shape in shapes.items()
    }


def layers(cell: cells.Cell, inputs: int, hidden: int, count: int) -> list[tuple[Graph, Any]]:
    return [layer(cell, hidden if k else inputs, hidden, k) for k in range(count)]


@pytest.mark.parametrize("name", PLAIN)
def test_equals_the_reference(name: str) -> None:
    parameters, x, state = numbers(name)
    graph = graph_of(name)
    output, final = PackedStack([(graph, parameters)], "float64").run(x, state)
    given = dict(zip(graph.state_sizes, (v[0] for v in state), strict=True))
    wanted = reference.forward(graph, parameters, {"x": x}, given)
    np.testing.assert_allclose(output, wanted.output, rtol=1e-9, atol=1e-11)
    for value, name in zip(final, graph.state_sizes, strict=True):
        np.testing.assert_allclose(value[0], wanted.final[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_a_torch_layer_bit_by_bit(dtype: torch.dtype) -> None:
    own = ls.nn.LSTM(5, 24, num_layers=2, backend="native", dtype=dtype)
    x = torch.randn(T, 16, 5, dtype=dtype)
    with torch.no_grad():
        wanted, (h, c) = own(x)
    output, final = own.packed("float32" if dtype == torch.float32 else "float64").run(x.numpy())
    equal(output, wanted.numpy())
    equal(final[0], h.numpy())
    equal(final[1], c.numpy())


def test_later_changes_of_the_weights_do_not_reach_packed_ones() -> None:
    graph, parameters = layer(cells.LSTM(peephole=True, layer_norm="ba2016"), 5, 9)
    stack, x = PackedStack([(graph, parameters)]), np.ones((3, 2, 5))
    before, _ = stack.run(x)
    for value in parameters.values():
        value[:] = 0
    equal(stack.run(x)[0], before)
    assert not np.array_equal(PackedStack([(graph, parameters)]).run(x)[0], before)


# Formats of weights


def in_bfloat16(value: Array) -> Array:
    found: Array = torch.tensor(value).to(torch.bfloat16).to(torch.float32).numpy()
    return found


def with_matrices(graph: Graph, parameters: Any, change: Any) -> Any:
    return {n: change(v) if n in graph.matrices else v for n, v in parameters.items()}


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("hidden", [3, 40])
@pytest.mark.parametrize("cell", [cells.LSTM(), cells.GRU()], ids=["lstm", "gru"])
def test_bfloat16_weights_have_the_bits_of_float32(cell: cells.Cell, hidden: int, isa: str) -> None:
    """Of the weights in bfloat16, since they are widened and added in the same order."""
    graph, parameters = layer(cell, 5, hidden)
    x = np.random.default_rng(1).normal(size=(T, 9, 5))
    output, _ = PackedStack([(graph, parameters)], "bfloat16", isa).run(x)
    rounded = with_matrices(graph, parameters, in_bfloat16)
    equal(output, PackedStack([(graph, rounded)], isa=isa).run(x)[0])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("inputs", [1, 5, 64])
def test_int8_weights_are_those_that_they_stand_for(inputs: int, isa: str) -> None:
    """One product, so that the bound of a sum's rounding applies: 2 n u Σ |w x| + the bias.

    Sums of n terms in float32 lose at most n u of the sum of magnitudes, u = 2^-24, each of both.
    """

    class Linear(cells.Cell):
        gates = ("a",)

        def step(self, x: Any, s: Any, p: Any) -> Any:
            return (y := p.ih(x).a + 0 * s.h), cells.State(h=y)

    graph, parameters = layer(Linear(), inputs, 50)
    x = np.random.default_rng(1).normal(size=(2, 9, inputs)).astype(np.float32)
    output, _ = PackedStack([(graph, parameters)], "int8", isa).run(x)
    meant = with_matrices(graph, parameters, lambda w: widened(quantised(w)))
    wanted, _ = PackedStack([(graph, meant)], isa=isa).run(x)
    size = np.abs(x) @ np.abs(meant["weight_ih"]).T + np.abs(parameters["bias_ih"])
    assert (np.abs(output - wanted) <= 2 * (inputs + 2) * 2.0**-24 * size).all()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("cell", [cells.LSTM(), cells.GRU()], ids=["lstm", "gru"])
def test_int8_weights_of_a_whole_layer(cell: cells.Cell, isa: str) -> None:
    graph, parameters = layer(cell, 5, 70)
    x = np.random.default_rng(1).normal(size=(20, 9, 5))
    output, _ = PackedStack([(graph, parameters)], "int8", isa).run(x)
    meant = with_matrices(graph, parameters, lambda w: widened(quantised(w)))
    np.testing.assert_allclose(output, PackedStack([(graph, meant)], isa=isa).run(x)[0], atol=2e-6)
    exact, _ = PackedStack([(graph, parameters)], isa=isa).run(x)
    assert 1e-5 < np.abs(output - exact).max() < 0.05


def test_quantising_again_changes_nothing() -> None:
    draw = np.random.default_rng(0)
    matrix = (draw.normal(size=(40, 30)) * 10.0 ** draw.integers(-6, 6, (40, 1))).astype(np.float32)
    matrix[3] = 0
    once = quantised(matrix)
    again = quantised(widened(once))
    equal(again.numbers, once.numbers)
    equal(again.scales, once.scales)
    assert np.abs(once.numbers).max(1).tolist() == [127 if k != 3 else 0 for k in range(40)]
    assert (np.abs(matrix - widened(once)) <= once.scales[:, None] * 0.5001).all()


def test_smaller_weights_take_less_memory() -> None:
    model = layers(cells.LSTM(), 64, 64, 1)
    sizes = {name: PackedStack(model, name).nbytes for name in WEIGHTS}
    weights = 2 * 4 * 64 * 64
    assert sizes["float32"] == pytest.approx(4 * weights, rel=0.03)
    assert sizes["bfloat16"] == pytest.approx(2 * weights, rel=0.03)
    assert sizes["int8"] == pytest.approx(weights, rel=0.1)


# Refusals


def test_what_cannot_be_packed_or_computed_is_explained() -> None:
    graph, parameters = layer(cells.LSTM(), 5, 9)
    model = [(graph, parameters)]

    def refused(message: str, call: Any) -> None:
        with pytest.raises(ArgumentError, match=message):
            call()

    refused("did you mean 'int8'", lambda: PackedStack(model, "int9"))
    refused("at least one", lambda: PackedStack([]))
    refused("threads: at least 1", lambda: PackedStack(model, threads=0))
    broken = {**parameters, "weight_hh": parameters["weight_hh"][:, :3]}
    refused(r"weight_hh has to have shape \(36, 9\)", lambda: PackedStack([(graph, broken)]))
    missing = {n: v for n, v in parameters.items() if n != "weight_hh"}
    refused("weight_hh is missing", lambda: PackedStack([(graph, missing)]))
    endless = {**parameters, "weight_hh": parameters["weight_hh"] * np.inf}
    refused("not a number", lambda: PackedStack([(graph, endless)], "int8"))
    noisy = trace(cells.LSTM(), Sizes(5, 9), Mode(training=True, sequence_dropout=0.3))
    refused("equations of x alone", lambda: PackedLayer(noisy, parameters))
    other = layer(cells.LSTM(), 9, 7)
    refused("the same states", lambda: PackedStack([*model, other]))
    stack = PackedStack(model)
    refused("x: shape", lambda: stack.step(np.ones((2, 4))))
    refused("x: shape", lambda: stack.run(np.ones((2, 5))))
    wanting = torch.ones(2, 5, requires_grad=True)
    refused("x: packed weights take arrays of numbers and have no gradients, got Tensor",
            lambda: stack.step(wanting))  # fmt: skip
    refused("x: shape", lambda: stack.step(np.float32(1)))
    refused("x: packed weights take arrays", lambda: stack.step([["a"] * 5] * 2))
    refused("state: 2 arrays", lambda: stack.step(np.ones((2, 5)), (np.ones((1, 2, 9)),)))
    refused("state|h: shape", lambda: stack.step(np.ones((2, 5)), (np.ones((1, 3, 9)),) * 2))
    for bad in ([1, 2, 3], [0, 1], [1, 4], [1.0, 2.0]):
        refused("lengths: 2 whole numbers from 1 to 3",
                lambda bad=bad: stack.run(np.ones((3, 2, 5)), lengths=np.array(bad)))  # fmt: skip


@pytest.mark.parametrize("option", ["bidirectional", "residual", "learn_initial_state"])
def test_layers_that_cannot_be_packed(option: str) -> None:
    with pytest.raises(BackendError, match=f"a layer with {option} cannot be packed"):
        ls.nn.LSTM(5, 5, **{option: True}).packed()


def test_weights_are_packed_for_inference_alone() -> None:
    """What the native module itself refuses."""
    graph = trace(cells.RNN(), Sizes(3, 4), Mode())
    forward = compile_forward(graph).program
    backward = compile_training(graph, ("x",)).backward
    assert backward is not None

    def refused(message: str, program: Any, matrices: list[int], scales: list[int], k: int) -> None:
        with pytest.raises(ValueError, match=message):
            _native.pack(_native.program(program), k, matrices, scales)

    data = np.zeros(100, np.float32)
    good = [data.ctypes.data, 0, 4, 100] * len(forward.externals)
    refused("this program is a backward pass", backward.program, good, [], 0)
    refused("a format is 0", forward, good, [], 7)
    refused("tensors, got", forward, good[4:], [], 0)
    refused("smaller than the program needs", forward, [data.ctypes.data, 0, 4, 2] * 7, [], 0)
    refused("scales for every tensor", forward, good, [], 4)
    few = [data.ctypes.data, 0, 0, 3] * len(forward.externals)
    refused("too few scales", forward, good, few, 4)


def test_arrays_that_do_not_fit_a_step_are_not_touched() -> None:
    stack = PackedStack(layers(cells.LSTM(), 5, 9, 2))
    steps, state = stack.steps(3), stack.start(3)
    x, output = np.ones((3, 5), np.float32), np.zeros((3, 9), np.float32)
    after = stack.start(3)
    good = [x, output, *state, *after]
    for place, bad in [
        (0, x.astype(np.float64)), (0, x.T.copy().T), (0, x[:, :4].copy()), (0, x.reshape(5, 3)),
        (0, [1, 2]), (0, x.astype(np.int32)), (1, output[:2]), (2, state[0][:1].copy()),
        (4, state[0][:, :, ::-1]),
    ]:  # fmt: skip
        arrays = [*good]
        arrays[place] = bad
        assert not steps.on_arrays(arrays)
    output.flags.writeable = False
    assert not steps.on_arrays(good)
    assert not steps.on_arrays(good[1:])
    assert not any(value.any() for value in (output, *after))
    output.flags.writeable = True
    assert steps.on_arrays(good)
    assert output.any()


def test_a_step_outlives_its_stack() -> None:
    model = layers(cells.LSTM(layer_norm="ba2016"), 5, 9, 1)
    stack = PackedStack(model)
    x = np.ones((3, 5), np.float32)
    wanted, _ = stack.step(x)
    steps, state, after = stack.steps(3), stack.start(3), stack.start(3)
    del stack
    gc.collect()
    output = np.empty_like(wanted)
    assert steps.on_arrays([x, output, *state, *after])
    equal(output, wanted)


def test_nothing_to_do() -> None:
    stack = PackedStack(layers(cells.LSTM(), 5, 9, 2))
    state = tuple(value + 1 for value in stack.start(3))
    output, after = stack.run(np.ones((0, 3, 5)), state)
    assert output.shape == (0, 3, 9)
    for one, two in zip(state, after, strict=True):
        equal(two, one)
    assert stack.run(np.ones((4, 0, 5)))[0].shape == (4, 0, 9)
    assert stack.step(np.ones((0, 5)))[0].shape == (0, 9)


# Without torch

WITHOUT = """
import sys
from typing import Any

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "polars", "pydantic", "matplotlib", "jinja2"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import numpy as np
from longshort import cells
from longshort.cells import Cell, Sizes, State
from longshort.engine.executors.native.inference import PackedStack
from longshort.engine.ops import sigmoid, tanh
from longshort.engine.trace import Mode, trace

class Slow(Cell):
    gates = ("a", "b")

    def step(self, x: Any, s: Any, p: Any) -> Any:
        z = p.ih(x) + p.hh(s.h)
        h = s.h + sigmoid(z.a) * (tanh(z.b) - s.h)
        return h, State(h=h)

draw = np.random.default_rng(0)
for cell in (cells.LSTM(), cells.GRU(), Slow()):
    sizes = Sizes(3, 6)
    shapes = cell.parameter_shapes(sizes)
    parameters = {name: draw.normal(size=shape) for name, shape in shapes.items()}
    for weights in ("float32", "int8"):
        stack = PackedStack([(trace(cell, sizes, Mode()), parameters)], weights)
        x = draw.normal(size=(4, 2, 3))
        whole, _ = stack.run(x)
        state = None
        for row, wanted in zip(x, whole):
            y, state = stack.step(row, state)
            assert np.array_equal(y, wanted)
assert "torch" not in sys.modules
print("done")
"""


def test_sequences_and_steps_without_torch() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr

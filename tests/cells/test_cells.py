"""The cells in numpy: their gradients, their behaviour in time, and what is known of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from longshort import cells
from longshort.cells import Cell, Sizes
from longshort.engine.derive import derive
from longshort.engine.executors import numpy as executor
from longshort.engine.trace import Mode, trace
from longshort.errors import ConfigError
from tests.cell_table import LENGTHS, OPTIONS, TRIALS, Array, Arrays, B, Case, T, Trial, case, names

EVERY = pytest.mark.parametrize("name", TRIALS)
SMOOTH = pytest.mark.parametrize("name", names(smooth=True))
COUNTED = Sizes(10, 20)


def run(c: Case) -> executor.Trajectory:
    """Forward."""
    return executor.forward(c.graph, c.parameters, c.inputs, c.state)


def differentiate(c: Case) -> executor.Gradients:
    """Gradients of the case's linear functional of outputs and final states."""
    final = {name: c.weights[name] for name in c.state}
    return executor.backward(
        derive(c.graph), c.parameters, c.inputs, run(c), c.weights["output"], final
    )


def functional(c: Case) -> float:
    """The linear functional itself."""
    trajectory = run(c)
    total = (trajectory.output * c.weights["output"]).sum()
    return float(total + sum((trajectory.final[name] * c.weights[name]).sum() for name in c.state))


def select(c: Case, steps: slice = slice(None), rows: Any = slice(None), **changes: Any) -> Case:
    """Some steps and sequences of a case."""
    per_sequence = {spec.name for spec in c.graph.inputs if spec.per_sequence}
    inputs = {
        name: value[rows] if name in per_sequence else value[steps][:, rows]
        for name, value in c.inputs.items()
    }
    weights = {name: value[rows] for name, value in c.weights.items() if name != "output"}
    return replace(
        c,
        inputs=inputs,
        state={name: value[rows] for name, value in c.state.items()},
        weights=weights | {"output": c.weights["output"][steps][:, rows]},
        **changes,
    )


def same(found: Any, wanted: Any, name: str = "") -> None:
    """Equal up to rounding."""
    assert_allclose(found, wanted, rtol=1e-11, atol=1e-12, err_msg=name)


def close(found: Arrays, wanted: Arrays) -> None:
    """Equal up to rounding, name by name."""
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        same(found[name], value, name)


def public_cells() -> list[type[Cell]]:
    """All cells that the package exports."""
    kinds = [getattr(cells, name) for name in cells.__all__]
    return [k for k in kinds if inspect.isclass(k) and issubclass(k, Cell) and k is not Cell]


KINDS = pytest.mark.parametrize("kind", public_cells(), ids=lambda kind: kind.__name__)


def own_options(kind: type[Cell]) -> list[str]:
    """Options that a cell does not have from another public cell."""
    inherited = {
        name for k in public_cells() if k is not kind and issubclass(kind, k) for name in options(k)
    }
    return [name for name in options(kind) if name not in inherited]


def options(kind: Any) -> list[str]:
    """Names of a cell's options."""
    return [option.name for option in fields(kind)]


# The table


@KINDS
def test_table_has_the_cell_and_each_option(kind: type[Cell]) -> None:
    assert "plain" in OPTIONS[kind]
    plain = kind()
    for option in own_options(kind):
        values = {getattr(kind(**chosen), option) for chosen in OPTIONS[kind].values()}
        assert values - {getattr(plain, option)}, f"no trial changes {option}"


def test_table_has_nothing_but_public_cells() -> None:
    assert set(OPTIONS) == set(public_cells())
    assert len(TRIALS) > 90


def _behaviour(trial: Trial) -> tuple[Any, ...]:
    c = case(trial)
    trajectory, gradients = run(c), differentiate(c)
    arrays = {"output": trajectory.output, **trajectory.final, **gradients.parameters}
    rounded = {name: value.round(9).tolist() for name, value in arrays.items()}
    return rounded, trial.cell.vectors(trial.sizes)


@pytest.mark.parametrize(
    "kind, option",
    [(kind, option) for kind, all_of in OPTIONS.items() for option in all_of if option != "plain"],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_options_change_something(kind: type[Cell], option: str) -> None:
    name = kind.__name__
    assert _behaviour(TRIALS[f"{name}-{option}"]) != _behaviour(TRIALS[f"{name}-plain"])


# Gradients


def directions(value: Array, rng: np.random.Generator) -> list[Array]:
    """Two directions of length 1."""
    found = rng.normal(size=(2, *value.shape))
    return [direction / np.linalg.norm(direction) for direction in found]


def compare_with_differences(c: Case, skip: tuple[str, ...] = ()) -> None:
    """Every gradient, along random directions, against central finite differences."""
    gradients, rng, step = differentiate(c), np.random.default_rng(7), 3e-6
    groups = {
        "parameters": gradients.parameters,
        "inputs": gradients.inputs,
        "state": gradients.state,
    }
    for group, found in groups.items():
        values = getattr(c, group)
        for name, gradient in found.items():
            if name.removeprefix("initial_") in skip:
                assert not gradient.any(), name
                continue
            for direction in directions(gradient, rng):
                ends = [
                    functional(replace(c, **{group: values | {name: values[name] + e * direction}}))
                    for e in (step, -step)
                ]
                difference = (ends[0] - ends[1]) / (2 * step)
                error = abs(difference - (gradient * direction).sum())
                assert error <= 1e-6 * np.linalg.norm(gradient) + 1e-9, (group, name, error)


@SMOOTH
def test_gradients_are_finite_differences(name: str) -> None:
    trial = TRIALS[name]
    compare_with_differences(case(trial), trial.discrete)


@SMOOTH
def test_gradients_with_lengths_and_resets(name: str) -> None:
    trial = TRIALS[name].within(ragged=True, reset=True)
    c = case(trial, seed=1)
    assert c.inputs["reset"].any() and not c.inputs["alive"].all()
    compare_with_differences(c, trial.discrete)


@SMOOTH
def test_gradients_from_the_zero_state(name: str) -> None:
    """As layers start; the states themselves may lie on a kink there and are left out."""
    c = case(TRIALS[name], seed=2)
    c = replace(c, state={key: np.zeros_like(value) for key, value in c.state.items()})
    gradients = differentiate(c)
    assert all(np.isfinite(value).all() for value in gradients.state.values())
    rng, step = np.random.default_rng(3), 3e-6
    for key, gradient in gradients.parameters.items():
        (direction, _) = directions(gradient, rng)
        ends = [
            functional(
                replace(c, parameters=c.parameters | {key: c.parameters[key] + e * direction})
            )
            for e in (step, -step)
        ]
        error = abs((ends[0] - ends[1]) / (2 * step) - (gradient * direction).sum())
        assert error <= 1e-6 * np.linalg.norm(gradient) + 1e-9, key


@EVERY
def test_every_parameter_is_used_and_learns(name: str) -> None:
    trial = TRIALS[name]
    c = case(trial)
    declared = set(trial.cell.parameter_shapes(trial.sizes))
    if not trial.mode.bias:
        declared -= {key for key in declared if key.startswith("bias_") and key not in c.parameters}
    assert set(c.parameters) == declared
    still = declared
    for seed in range(4):
        gradients = differentiate(case(trial, seed)).parameters
        still = still - {key for key, found in gradients.items() if np.abs(found).max() > 1e-6}
    assert not still


# Time and batch


@EVERY
def test_chunks_are_the_whole(name: str) -> None:
    whole = case(TRIALS[name].within(reset=True))
    trajectory, gradients = run(whole), differentiate(whole)
    first = select(whole, slice(0, 2))
    second = replace(select(whole, slice(2, None)), state=run(first).final)
    same(run(first).output, trajectory.output[:2])
    same(run(second).output, trajectory.output[2:])
    close(run(second).final, trajectory.final)
    late = differentiate(second)
    early = differentiate(replace(first, weights=first.weights | late.state))
    close(early.state, gradients.state)
    close({k: early.parameters[k] + v for k, v in late.parameters.items()}, gradients.parameters)
    same(np.concatenate([early.inputs["x"], late.inputs["x"]]), gradients.inputs["x"])


@EVERY
def test_what_lies_past_the_end_does_not_matter(name: str) -> None:
    c = case(TRIALS[name].within(ragged=True))
    past = c.inputs["alive"][..., 0] == 0
    changed = {
        spec.name: np.where(past[..., None], 3.0 - 2.0 * value, value)
        for spec in c.graph.inputs
        if not spec.per_sequence and spec.name != "alive"
        for value in [c.inputs[spec.name]]
    }
    other = replace(c, inputs=c.inputs | changed)
    a, b = run(c), run(other)
    assert_array_equal(a.output, b.output)
    assert not a.output[past].any()
    for key in c.state:
        assert_array_equal(a.final[key], b.final[key])
    found, again = differentiate(c), differentiate(other)
    assert not found.inputs["x"][past].any()
    close(again.parameters, found.parameters)
    close(again.state, found.state)


@EVERY
def test_a_sequence_is_what_it_is_alone(name: str) -> None:
    trial = TRIALS[name]
    together = case(trial.within(ragged=True))
    trajectory, gradients = run(together), differentiate(together)
    summed = {key: np.zeros_like(value) for key, value in together.parameters.items()}
    for row, length in enumerate(LENGTHS):
        graph = trace(trial.cell, trial.sizes, trial.mode)
        alone = select(together, slice(0, length), slice(row, row + 1), graph=graph)
        same(run(alone).output[:, 0], trajectory.output[:length, row])
        close(
            {k: v[0] for k, v in run(alone).final.items()},
            {k: v[row] for k, v in trajectory.final.items()},
        )
        for key, gradient in differentiate(alone).parameters.items():
            summed[key] += gradient
    close(summed, gradients.parameters)


@EVERY
def test_order_of_the_batch_does_not_matter(name: str) -> None:
    c, order = case(TRIALS[name].within(ragged=True, reset=True)), np.array([2, 0, 3, 1])
    moved = select(c, rows=order)
    a, b = run(c), run(moved)
    same(b.output, a.output[:, order])
    close(b.final, {key: value[order] for key, value in a.final.items()})
    before, after = differentiate(c), differentiate(moved)
    close(after.parameters, before.parameters)
    close(after.state, {key: value[order] for key, value in before.state.items()})


@EVERY
def test_a_reset_starts_anew(name: str) -> None:
    c = case(TRIALS[name].within(reset=True))
    c.inputs["reset"][:] = 0
    tail = select(c, slice(3, None))
    tail = replace(tail, state={key: c.inputs[f"initial_{key}"] for key in c.state})
    reset = c.inputs["reset"].copy()
    reset[3] = 1
    c = replace(c, inputs=c.inputs | {"reset": reset})
    same(run(tail).output, run(c).output[3:])
    close(run(tail).final, run(c).final)
    gradients = differentiate(c)
    close(differentiate(tail).state, {key: gradients.inputs[f"initial_{key}"] for key in c.state})


@EVERY
def test_large_values_stay_numbers(name: str) -> None:
    c = case(TRIALS[name])
    c = replace(c, inputs=c.inputs | {"x": 1e3 * c.inputs["x"]})
    c = replace(c, state={key: np.zeros_like(value) for key, value in c.state.items()})
    gradients = differentiate(c)
    for found in (run(c).final, gradients.parameters, gradients.inputs, gradients.state):
        assert all(np.isfinite(value).all() for value in found.values())


# Parameters

COUNTS: list[tuple[Cell, int]] = [
    (cells.RNN(), 620),
    (cells.LSTM(), 2480),
    (cells.LSTM(peephole=True), 2540),
    (cells.LSTM(ablate=("NFG",)), 1860),
    (cells.LSTM(couple="f=1-i", peephole=True), 1900),
    (cells.LSTM(couple="i=1-f"), 1860),
    (cells.LSTM(ablate=("FGR",), peephole=True), 6140),
    (cells.LSTM(projection=5), 4 * 20 * (10 + 5 + 1) + 5 * 20),
    (cells.LSTM(layer_norm="ba2016"), 2480 + 8 * 20 + 2 * 20),
    (cells.GRU(), 1920),
    (cells.GRU(reset="before"), 1860),
    (cells.GRU(layer_norm=True), 1920 + 6 * 20 - 2 * 20),
    (cells.MultiplicativeLSTM(), 2480 + 20 * (10 + 20)),
    (cells.MogrifierLSTM(rounds=0), 2480),
    (cells.MogrifierLSTM(), 2480 + 5 * 10 * 20),
    (cells.MogrifierLSTM(rounds=4, rank=3), 2480 + 4 * 3 * (10 + 20)),
    (cells.JANET(), 2 * 20 * 31),
    (cells.IndRNN(), 20 * 12),
    (cells.SRU(), 4 * 10 * 20 + 4 * 20),
    (cells.MinGRU(), 2 * 20 * 11),
    (cells.MinLSTM(), 3 * 20 * 11),
    (cells.SLSTM(), 2480),
    (cells.SLSTM(heads=4), 4 * 20 * (10 + 5 + 1)),
    (cells.ONLSTM(), 2480 + 2 * 20 * 31),
    (cells.ONLSTM(chunk_size=5), 2480 + 2 * 4 * 31),
    (cells.PhasedLSTM(), 2480 + 3 * 20),
    (cells.ClockworkRNN(), 20 * 11 + 5 * (20 + 15 + 10 + 5)),
    (cells.HMLSTM(layers=2), 80 * 51 + 51 + 80 * 41),
    (cells.QRNN(), 3 * 20 * (2 * 10 + 1)),
]


@pytest.mark.parametrize("cell, count", COUNTS, ids=str)
def test_parameter_count(cell: Cell, count: int) -> None:
    assert cell.parameter_count(COUNTED) == count


@pytest.mark.parametrize(
    "cell, count",
    [
        (cells.LSTM(), 2560),
        (cells.LSTM(projection=5), 1460),
        (cells.GRU(), 1920),
        (cells.RNN(), 640),
    ],
    ids=str,
)
def test_stored_parameters_are_as_many_as_in_torch(cell: Cell, count: int) -> None:
    assert sum(map(np.prod, cell.parameter_shapes(COUNTED).values())) == count


@EVERY
def test_parameter_count_is_that_of_the_shapes(name: str) -> None:
    trial = TRIALS[name]
    redundant = sum(
        m.outputs for m in trial.cell.maps(trial.sizes).values() if m.bias and m.redundant_bias
    )
    shapes = trial.cell.parameter_shapes(trial.sizes).values()
    assert trial.cell.parameter_count(trial.sizes) == sum(map(np.prod, shapes)) - redundant


@KINDS
def test_cells_say_what_they_are(kind: type[Cell]) -> None:
    cell = kind()
    assert cell.description().endswith(").") and cell.source
    text = inspect.getdoc(kind) or ""
    for option in own_options(kind):
        assert f"`{option}`" in text, option
    gates = set(cell.gate_names())
    assert set(cell.gate_bias) <= gates
    assert {gate for gate in cell.chrono if gate} <= gates
    assert kind() == cell and hash(kind()) == hash(cell)


# Torch

TORCH: list[tuple[Cell, Callable[..., torch.nn.RNNBase]]] = [
    (cells.LSTM(), torch.nn.LSTM),
    (cells.LSTM(projection=2), lambda i, h: torch.nn.LSTM(i, h, proj_size=2)),
    (cells.GRU(), torch.nn.GRU),
    (cells.RNN(), torch.nn.RNN),
    (cells.RNN("relu"), lambda i, h: torch.nn.RNN(i, h, nonlinearity="relu")),
]


def grown(value: torch.Tensor) -> Array:
    """The gradient that torch has left, 0 where none."""
    return np.zeros(value.shape) if value.grad is None else value.grad.numpy()


@pytest.mark.parametrize("cell, kind", TORCH, ids=[str(cell) for cell, _ in TORCH])
def test_equals_torch(cell: Cell, kind: Callable[..., torch.nn.RNNBase]) -> None:
    c = case(Trial("", cell))
    layer = kind(3, 4).double()
    assert {f"{name}_l0" for name in c.parameters} == set(layer.state_dict())
    layer.load_state_dict({f"{k}_l0": torch.from_numpy(v) for k, v in c.parameters.items()})
    x = torch.from_numpy(c.inputs["x"]).requires_grad_()
    given = {k: torch.from_numpy(v)[None].requires_grad_() for k, v in c.state.items()}
    output, final = layer(x, tuple(given.values()) if len(given) > 1 else given["h"])
    final = final if isinstance(final, tuple) else (final,)
    trajectory, gradients = run(c), differentiate(c)
    same(trajectory.output, output.detach())
    close(trajectory.final, {k: v[0].detach().numpy() for k, v in zip(given, final, strict=True)})
    total: Any = (output * torch.from_numpy(c.weights["output"])).sum()
    for key, value in zip(given, final, strict=True):
        total = total + (value[0] * torch.from_numpy(c.weights[key])).sum()
    total.backward()
    close(
        gradients.parameters, {k.removesuffix("_l0"): grown(v) for k, v in layer.named_parameters()}
    )
    same(gradients.inputs["x"], x.grad)
    close(gradients.state, {k: grown(v)[0] for k, v in given.items()})


# The equations, written down a second time

Step = Callable[[Array, Any, Any], dict[str, Array]]


def sigma(a: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-a)))


def parts(a: Array, count: int) -> list[Array]:
    return np.split(a, count, axis=-1)


def lin(p: Arrays, name: str, v: Array) -> Array:
    return np.asarray(v @ p[f"weight_{name}"].T + p.get(f"bias_{name}", 0.0))


def lstm(x: Array, s: Arrays, p: Arrays, h: Array | None = None) -> dict[str, Array]:
    i, f, g, o = parts(lin(p, "ih", x) + lin(p, "hh", s["h"] if h is None else h), 4)
    c = sigma(f) * s["c"] + sigma(i) * np.tanh(g)
    return {"y": sigma(o) * np.tanh(c), "h": sigma(o) * np.tanh(c), "c": c}


def multiplicative(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    return lstm(x, s, p, (x @ p["weight_factor_ih"].T) * (s["h"] @ p["weight_factor_hh"].T))


def mogrifier(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    h = s["h"]
    x = 2 * sigma(h @ p["weight_round1"].T) * x
    h = 2 * sigma(x @ p["weight_round2"].T) * h
    x = 2 * sigma(h @ p["weight_round3"].T) * x
    h = 2 * sigma(x @ p["weight_round4"].T) * h
    x = 2 * sigma(h @ p["weight_round5"].T) * x
    return lstm(x, s, p, h)


def gru_before(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    a, (wr, wz, wn) = lin(p, "ih", x), parts(p["weight_hh"].T, 3)
    r, z = sigma(a[:, :4] + s["h"] @ wr), sigma(a[:, 4:8] + s["h"] @ wz)
    n = np.tanh(a[:, 8:] + (r * s["h"]) @ wn)
    return {"y": (1 - z) * n + z * s["h"]}


def standard(a: Array) -> Array:
    centred = a - a.mean(-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5))


def gru_norm(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    a = parts(standard(x @ p["weight_ih"].T) * p["gain_ih"] + p["bias"], 3)
    b = parts(standard(s["h"] @ p["weight_hh"].T) * p["gain_hh"], 3)
    r, z = sigma(a[0] + b[0]), sigma(a[1] + b[1])
    return {"y": (1 - z) * np.tanh(a[2] + r * (b[2] + p["bias_reset"])) + z * s["h"]}


def norm_lstm(form: str) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        a, b = x @ p["weight_ih"].T, s["h"] @ p["weight_hh"].T
        if form == "summed":
            z = np.concatenate([standard(part) for part in parts(a + b, 4)], -1) * p["gain"]
        else:
            z = standard(a) * p["gain_ih"] + standard(b) * p["gain_hh"]
        i, f, g, o = parts(z + p["bias"], 4)
        c = sigma(f) * s["c"] + sigma(i) * np.tanh(g)
        normed = standard(c) * p["gain_c"] + p["bias_c"]
        return {"y": sigma(o) * np.tanh(normed), "c": c if form == "ba2016" else normed}

    return step


def peephole(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    i, f, g, o = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 4)
    f = sigma(f + p["peephole_f"] * s["c"])
    c = f * s["c"] + sigma(i + p["peephole_i"] * s["c"]) * np.tanh(g)
    return {"y": sigma(o + p["peephole_o"] * c) * np.tanh(c), "c": c}


def clipped(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    i, f, g, o = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 4)
    i, f = (a + p[f"peephole_{k}"] * s["c"] for a, k in ((i, "i"), (f, "f")))
    i, f, g = (a.clip(-0.7, 0.7) for a in (i, f, g))
    c = (sigma(f) * s["c"] + sigma(i) * np.tanh(g)).clip(-0.6, 0.6)
    return {"y": sigma((o + p["peephole_o"] * c).clip(-0.7, 0.7)) * np.tanh(c), "c": c}


def odd_activations(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    i, f, g, o = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 4)
    c = np.tanh(f) * s["c"] + np.tanh(i) * sigma(g)
    return {"y": np.tanh(o) * (c / 6 + 0.5).clip(0, 1), "c": c}


def ablated(gone: str) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        left = [gate for gate in "ifgo" if f"N{gate.upper()}G" != gone]
        pieces = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), len(left))
        z = dict.fromkeys("ifo", np.array(np.inf)) | dict(zip(left, pieces, strict=True))
        g = z["g"] if gone == "NIAF" else np.tanh(z["g"])
        c = sigma(z["f"]) * s["c"] + sigma(z["i"]) * g
        return {"y": sigma(z["o"]) * (c if gone == "NOAF" else np.tanh(c)), "c": c}

    return step


def mogrifier_low_rank(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    w = {
        f"weight_round{k}": p[f"weight_round{k}_up"] @ p[f"weight_round{k}_down"]
        for k in range(1, 5)
    }
    return mogrifier(x, s, p | w | {"weight_round5": 0 * w["weight_round1"]})


def coupled(kept: str) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        gate, g, o = (sigma, np.tanh, sigma)
        a, b, e = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 3)
        f = 1 - gate(a) if kept == "i" else gate(a)
        c = f * s["c"] + (1 - f) * g(b)
        return {"y": o(e) * np.tanh(c), "c": c}

    return step


def full_gates(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    i, f, g, o = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 4)
    every = np.concatenate([s["i"], s["f"], s["o"]], -1) @ p["weight_gates"].T
    i, f, o = (sigma(a + b) for a, b in zip((i, f, o), parts(every, 3), strict=True))
    c = f * s["c"] + i * np.tanh(g)
    return {"y": o * np.tanh(c), "c": c, "i": i, "f": f, "o": o}


def janet(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    f, g = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 2)
    return {"y": sigma(f) * s["h"] + (1 - sigma(f - 1)) * np.tanh(g)}


def indrnn(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    u = np.clip(p["recurrent"], -(2 ** (1 / 5)), 2 ** (1 / 5))
    return {"y": np.maximum(lin(p, "ih", x) + u * s["h"], 0)}


def sru(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    f, r = parts(lin(p, "ih", x), 2)
    f, r = sigma(f + p["peephole_f"] * s["c"]), sigma(r + p["peephole_r"] * s["c"])
    c = f * s["c"] + (1 - f) * (x @ p["weight_candidate"].T)
    return {"y": r * c + (1 - r) * (x @ p["weight_highway"].T), "c": c}


def sru_equal(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    return sru(x, s, p | {"weight_highway": 0.8 * np.eye(4)})


def positive(a: Array) -> Array:
    return np.where(a >= 0, a + 0.5, sigma(a))


def min_gru(g: Callable[[Array], Array]) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        z, candidate = parts(lin(p, "ih", x), 2)
        return {"y": (1 - sigma(z)) * s["h"] + sigma(z) * g(candidate)}

    return step


def min_lstm(g: Callable[[Array], Array]) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        f, i, candidate = parts(lin(p, "ih", x), 3)
        f, i = sigma(f), sigma(i)
        return {"y": f / (f + i) * s["h"] + i / (f + i) * g(candidate)}

    return step


def slstm(heads: int, forget: Callable[[Array], Array]) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        pieces = [
            parts(h @ p[f"weight_hh{k + 1}"].T, 4) for k, h in enumerate(parts(s["h"], heads))
        ]
        mixed = np.concatenate([piece[g] for g in range(4) for piece in pieces], -1)
        i, f, z, o = parts(lin(p, "ih", x) + mixed, 4)
        scale = np.exp(s["m"])
        c = forget(f) * s["c"] * scale + np.exp(i) * np.tanh(z)
        n = forget(f) * s["n"] * scale + np.exp(i)
        m = np.maximum(np.log(forget(f)) + s["m"], i)
        return {"y": sigma(o) * c / n, "c": c / np.exp(m), "n": n / np.exp(m), "m": m}

    return step


def onlstm(chunk: int) -> Step:
    def step(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
        i, f, g, o = parts(lin(p, "ih", x) + lin(p, "hh", s["h"]), 4)
        masters = parts(lin(p, "master_ih", x) + lin(p, "master_hh", s["h"]), 2)
        rising = [
            np.exp(a) / np.exp(a).sum(-1, keepdims=True) @ np.triu(np.ones((a.shape[1],) * 2))
            for a in masters
        ]
        mi, mf = np.tile(1 - rising[0], chunk), np.tile(rising[1], chunk)
        w = mi * mf
        c = (sigma(f) * w + mf - w) * s["c"] + (sigma(i) * w + mi - w) * np.tanh(g)
        return {"y": sigma(o) * np.tanh(c), "c": c}

    return step


def phased(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    tau, r = p["period"], p["open_ratio"]
    phase = ((s["t"] - p["shift"] * tau) % tau) / tau
    k = np.where(
        phase < r / 2, 2 * phase / r, np.where(phase < r, 2 - 2 * phase / r, 0.001 * phase)
    )
    new = lstm(x, s, p)
    c, h = k * new["c"] + (1 - k) * s["c"], k * new["h"] + (1 - k) * s["h"]
    return {"y": h, "c": c, "t": s["t"] + 1}


def clockwork(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    recurrent = np.zeros((8, 8))
    for k in range(0, 8, 2):
        recurrent[k : k + 2, k:] = p[f"weight_hh{k // 2 + 1}"]
    new = np.tanh(lin(p, "ih", x) + s["h"] @ recurrent.T)
    return {
        "y": np.where(s["t"] % [1, 1, 2, 2, 4, 4, 8, 8] == 0, new, s["h"]),
        "t": (s["t"] + 1) % 8,
    }


def qrnn(x: Array, s: Arrays, p: Arrays) -> dict[str, Array]:
    z = lin(p, "ih", x) + s["x1"] @ p["weight_ih1"].T + s["x2"] @ p["weight_ih2"].T
    g, f, o, i = parts(z, 4)
    c = sigma(f) * s["c"] + sigma(i) * np.tanh(g)
    return {"y": sigma(o) * c, "c": c, "x1": x, "x2": s["x1"]}


WITNESSES: dict[str, Step] = {
    "LSTM-plain": lstm,
    "LSTM-peephole": peephole,
    "LSTM-both-clips": clipped,
    "LSTM-odd-activations": odd_activations,
    **{f"LSTM-{name}": ablated(name) for name in cells.lstm.ABLATIONS if name != "FGR"},
    "MogrifierLSTM-rank-2": mogrifier_low_rank,
    "LSTM-couple-f": coupled("i"),
    "LSTM-couple-i": coupled("f"),
    "LSTM-FGR": full_gates,
    **{f"LSTM-norm-{form}": norm_lstm(form) for form in cells.lstm.LAYER_NORMS},
    "GRU-before": gru_before,
    "GRU-norm": gru_norm,
    "MultiplicativeLSTM-plain": multiplicative,
    "MogrifierLSTM-plain": mogrifier,
    "JANET-plain": janet,
    "IndRNN-steps": indrnn,
    "SRU-plain": sru,
    "SRU-equal-sizes": sru_equal,
    "MinGRU-plain": min_gru(lambda a: a),
    "MinGRU-positive": min_gru(positive),
    "MinLSTM-plain": min_lstm(lambda a: a),
    "MinLSTM-positive": min_lstm(positive),
    "SLSTM-plain": slstm(1, sigma),
    "SLSTM-heads-2": slstm(2, sigma),
    "SLSTM-exp-heads-2": slstm(2, np.exp),
    "ONLSTM-plain": onlstm(1),
    "ONLSTM-chunk-2": onlstm(2),
    "PhasedLSTM-plain": phased,
    "ClockworkRNN-plain": clockwork,
    "QRNN-ifo": qrnn,
}


@pytest.mark.parametrize("name", WITNESSES)
def test_equations_written_down_a_second_time(name: str) -> None:
    c = case(TRIALS[name])
    trajectory = run(c)
    state = c.state
    for t in range(T):
        found = WITNESSES[name](c.inputs["x"][t], state, c.parameters)
        same(trajectory.output[t], found["y"])
        state = {key: found.get(key, found["y"]) for key in state}
        close(trajectory.states[t + 1], state)


# Known answers


def constant(cell: Cell, n: Sizes, x: Array, values: dict[str, Any]) -> executor.Trajectory:
    """From the zero state, parameters constant: a name's value, or that of its kind."""
    parameters = {
        name: np.full(shape, values[name if name in values else name.partition("_")[0]])
        for name, shape in cell.parameter_shapes(n).items()
    }
    state = {name: np.zeros((x.shape[1], size)) for name, size in cell.state_sizes(n).items()}
    return executor.forward(trace(cell, n), parameters, {"x": x}, state)


def counting(batch: int, size: int) -> Array:
    return np.arange(1.0, 1 + batch * size).reshape(1, batch, size)


ONNX: list[tuple[Cell, Sizes, int, dict[str, float], list[float]]] = [
    (cells.LSTM(), Sizes(2, 3), 3, {"bias": 0.0}, [0.0952412, 0.2560644, 0.4032377]),
    (
        cells.LSTM(),
        Sizes(3, 4),
        3,
        {"bias_hh": 0.0, "bias": 0.1},
        [0.2560644, 0.5367278, 0.6672133],
    ),
    (cells.LSTM(peephole=True), Sizes(4, 3), 2, {"bias": 0.0}, [0.3750691, 0.6801309]),
    (cells.GRU(reset="before"), Sizes(2, 5), 3, {"bias": 0.0}, [0.1239703, 0.2005366, 0.1999165]),
    (cells.GRU(reset="before"), Sizes(3, 3), 3, {"bias": 0.1}, [0.2005366, 0.1548234, 0.0748428]),
]


@pytest.mark.parametrize("cell, n, batch, biases, wanted", ONNX, ids=lambda value: str(value)[:40])
def test_onnx_node_tests(
    cell: Cell, n: Sizes, batch: int, biases: dict[str, float], wanted: list[float]
) -> None:
    values = {"weight": 0.1, "peephole": 0.1, **biases}
    found = constant(cell, n, counting(batch, n.input), values).final["h"]
    assert_allclose(found, np.repeat(np.array(wanted)[:, None], n.hidden, 1), atol=6e-8)


KERAS: list[tuple[Cell, bool, list[float]]] = [
    (cells.LSTM(), False, [0.6288687, 0.8689916, 0.9460773]),
    (cells.LSTM(), True, [0.3562217, 0.7478952, 0.8872726]),
    (cells.GRU(), False, [0.5217289, 0.6371659, 0.3938496]),
    (cells.GRU(reset="before"), False, [0.5144776, 0.6426879, 0.4020830]),
]


@pytest.mark.parametrize("cell, backwards, wanted", KERAS, ids=str)
def test_keras(cell: Cell, backwards: bool, wanted: list[float]) -> None:
    x = np.arange(72.0).reshape(3, 6, 4).swapaxes(0, 1)
    values: dict[str, Any] = {"weight_ih": 0.01, "weight_hh": 0.02, "bias": 0.03}
    if isinstance(cell, cells.LSTM):
        values |= {"bias_ih": np.repeat([0.03, 1.0, 0.03, 0.03], 3), "bias_hh": 0.0}
    found = constant(cell, Sizes(4, 3), x[::-1] if backwards else x, values).final["h"]
    assert_allclose(found, np.repeat(np.array(wanted)[:, None], 3, 1), atol=1e-6)


def test_keras_simple_rnn() -> None:
    x = np.arange(24.0).reshape(2, 3, 4).swapaxes(0, 1)
    values = {"weight_ih": 0.01, "weight_hh": 0.02, "bias_ih": 0.03, "bias_hh": 0.0}
    found = constant(cells.RNN(), Sizes(4, 4), x, values).final["h"]
    assert_allclose(found, np.repeat(np.array([[0.405432], [0.7360535]]), 4, 1), atol=1e-6)


# Single cells


def test_no_round_of_mogrification_is_the_lstm() -> None:
    c = case(Trial("", cells.LSTM(peephole=True)))
    graph = trace(cells.MogrifierLSTM(peephole=True, rounds=0), Sizes(3, 4))
    assert graph.nodes == c.graph.nodes
    assert (graph.output, graph.states) == (c.graph.output, c.graph.states)


def test_the_two_couplings_are_two_cells() -> None:
    a, b = (case(TRIALS[f"LSTM-couple-{gate}"]) for gate in "fi")
    assert a.parameters.keys() == b.parameters.keys()
    assert np.abs(run(a).output - run(b).output).max() > 0.1
    assert cells.LSTM(couple="f=1-i").gate_names() == ("i", "g", "o")
    assert cells.LSTM(couple="i=1-f").gate_names() == ("f", "g", "o")


def test_lstm_of_1997_forgets_nothing() -> None:
    c = case(TRIALS["LSTM-NFG"])
    kept = replace(c, parameters=c.parameters | {"weight_ih": np.zeros((12, 3))})
    kept.parameters["bias_ih"] = np.repeat([-1e3, 0.0, 0.0], 4)
    assert_array_equal(run(kept).final["c"], c.state["c"])


@pytest.mark.parametrize("form", ["plain", "positive"])
@pytest.mark.parametrize("kind", [cells.MinGRU, cells.MinLSTM], ids=lambda kind: kind.__name__)
def test_minimal_cells_are_a_cumulative_sum(kind: type[Cell], form: str) -> None:
    """h_t = A_t (h_0 + Σ b_s / A_s) with A the running product of a: no loop over the state."""
    c = case(TRIALS[f"{kind.__name__}-{form}"], steps=9)
    z = parts(lin(c.parameters, "ih", c.inputs["x"]), len(kind().gate_names()))
    f, i = (sigma(-z[0]), sigma(z[0])) if kind is cells.MinGRU else (sigma(z[0]), sigma(z[1]))
    a = f / (f + i)
    b = (1 - a) * (positive(z[-1]) if form == "positive" else z[-1])
    product = a.cumprod(0)
    assert_allclose(run(c).output, product * (c.state["h"] + (b / product).cumsum(0)), rtol=1e-9)


def test_positive_minimal_cells_in_logarithms() -> None:
    """The form of the paper's scan: log g(x) is log(x + 1/2), and -softplus(-x) below 0."""
    c = case(TRIALS["MinLSTM-positive"], steps=9)
    f, i, g = parts(lin(c.parameters, "ih", c.inputs["x"]), 3)
    d = np.logaddexp(0, -f) - np.logaddexp(0, -i)
    log_a, log_b = -np.logaddexp(0, d), -np.logaddexp(0, -d)
    log_b = log_b + np.where(g >= 0, np.log(np.maximum(g, 0) + 0.5), -np.logaddexp(0, -g))
    start = np.abs(c.state["h"])
    sums = log_a.cumsum(0)
    log_h = sums + np.logaddexp(np.log(start), np.logaddexp.accumulate(log_b - sums, 0))
    assert_allclose(run(replace(c, state={"h": start})).output, np.exp(log_h), rtol=1e-9)


@pytest.mark.parametrize("kind", [cells.MinGRU, cells.MinLSTM, cells.QRNN], ids=str)
def test_state_enters_linearly(kind: type[Cell]) -> None:
    """So that a scan may be parallel: outputs are affine in the first state."""
    c = case(Trial("", kind()))
    key = next(iter(c.state))
    zero, one, two = (
        run(replace(c, state=c.state | {key: factor * c.state[key]})).output for factor in range(3)
    )
    assert_allclose(two - one, one - zero, atol=1e-12)
    assert np.abs(one - zero).max() > 0.01


def test_scalar_lstm_is_the_unstabilised_one_from_the_start() -> None:
    """With n = 0 there is no earlier scale: h is that of c and n without m, however m starts."""
    c = case(TRIALS["SLSTM-heads-2"])
    zero = {key: np.zeros_like(value) for key, value in c.state.items()}
    naive = zero
    step = slstm(2, sigma)
    wanted = []
    for x in c.inputs["x"]:
        naive = step(x, naive, c.parameters)
        naive["h"] = naive["y"]
        wanted.append(naive["y"])
    for m in (0.0, 30.0, -30.0):
        found = run(replace(c, state=zero | {"m": zero["m"] + m}))
        same(found.output, np.stack(wanted))
        i = parts(lin(c.parameters, "ih", c.inputs["x"][0]), 4)[0]
        same(found.states[1]["m"], i)
        assert_allclose(found.states[1]["n"], 1.0)


def test_ordered_neurons_keep_their_order() -> None:
    """An all-knowing master forget gate: the first unit forgets, the last keeps all."""
    c = case(TRIALS["ONLSTM-plain"])
    trajectory = run(c)
    assert trajectory.final["c"].shape == (B, 4)
    p = {key: np.zeros_like(value) for key, value in c.parameters.items()}
    p["bias_master_ih"] = np.array([50.0, 0, 0, 0, 0, 0, 50.0, 0])
    c = replace(c, parameters=p)
    assert_allclose(run(c).final["c"], c.state["c"] * [0, 0, 1, 1], atol=1e-12)


def test_clockwork_modules_keep_their_time() -> None:
    c = case(TRIALS["ClockworkRNN-plain"], steps=9)
    c = replace(c, state=c.state | {"t": np.zeros((B, 1))})
    states = [state["h"] for state in run(c).states]
    changed = [np.any(a != b, axis=0) for a, b in pairwise(states)]
    wanted = [np.repeat([t % period == 0 for period in (1, 2, 4, 8)], 2) for t in range(9)]
    assert_array_equal(changed, wanted)


def test_faster_modules_do_not_reach_slower_ones() -> None:
    c = case(TRIALS["ClockworkRNN-plain"])
    c = replace(c, state=c.state | {"t": np.zeros((B, 1))})
    fast, slow = np.repeat(np.eye(4)[[0, 3]], 2, axis=1)
    a, b, d = (
        run(replace(c, state=c.state | {"h": c.state["h"] + change})).output
        for change in (0.0, fast, slow)
    )
    assert_array_equal(a[..., 2:], b[..., 2:])
    assert np.all(np.abs(a[0, :, :2] - b[0, :, :2]) > 1e-6)
    assert np.all(np.abs(a[0] - d[0]) > 1e-6)


def test_time_gate_opens_and_closes() -> None:
    """Over a period of 8 with half of it open: closed units keep c and h, but for the leak."""
    c = case(TRIALS["PhasedLSTM-no-leak"], steps=8)
    p = {"period": np.full(4, 8.0), "shift": np.zeros(4), "open_ratio": np.full(4, 0.5)}
    c = replace(c, parameters=c.parameters | p, state=c.state | {"t": np.zeros((B, 1))})
    states = run(c).states
    moved = [np.any(a["c"] != b["c"]) for a, b in pairwise(states)]
    assert moved == [False, True, True, True, False, False, False, False]
    step = lstm(c.inputs["x"][2], states[2], c.parameters)
    same(states[3]["c"], step["c"])


def test_independent_units_stay_so() -> None:
    c = case(TRIALS["IndRNN-tanh"])
    moved = c.state["h"] + [1.0, 0.0, 0.0, 0.0]
    a, b = run(c), run(replace(c, state={"h": moved}))
    assert_array_equal(a.output[..., 1:], b.output[..., 1:])
    assert np.abs(a.output[..., 0] - b.output[..., 0]).max() > 0.01


def test_recurrent_weights_beyond_the_bound_are_clipped() -> None:
    c = case(TRIALS["IndRNN-steps"])
    bound = 2 ** (1 / 5)
    big = np.array([3.0, -3.0, bound, -bound])
    clipped = replace(c, parameters=c.parameters | {"recurrent": big.clip(-bound, bound)})
    beyond = replace(c, parameters=c.parameters | {"recurrent": big})
    assert_array_equal(run(beyond).output, run(clipped).output)
    assert not differentiate(beyond).parameters["recurrent"][:2].any()


# The hierarchical cell, whose thresholds finite differences do not see


class Threshold(torch.autograd.Function):
    """1 above 0; backward, min(max((slope a + 1) / 2, 0), 1)."""

    @staticmethod
    def forward(ctx: Any, a: torch.Tensor, slope: float) -> torch.Tensor:
        ctx.save_for_backward(a)
        ctx.slope = slope
        return (a > 0).double()

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor, None]:
        (a,) = ctx.saved_tensors
        return d * (ctx.slope * a.abs() < 1) * ctx.slope / 2, None


threshold: Any = Threshold.apply


def hierarchical(
    x: torch.Tensor, s: dict[str, torch.Tensor], p: dict[str, torch.Tensor], cell: cells.HMLSTM
) -> dict[str, torch.Tensor]:
    """A step, with the three operations written one by one."""
    new, below, ended = {}, x, torch.ones(len(x), 1, dtype=x.dtype)
    for k in range(1, cell.layers + 1):
        h, c, top = s[f"h{k}"], s[f"c{k}"], k == cell.layers
        flush = torch.zeros_like(ended) if top else s[f"z{k}"]
        a = below @ p[f"weight_ih{k}"].T + p[f"bias_ih{k}"] + h @ p[f"weight_hh{k}"].T
        if not top:
            above = flush * s[f"h{k + 1}"]
            a = a + above @ p[f"weight_top{k}"].T
            seen = torch.cat([below, h, above], -1)
            score = seen @ p[f"weight_boundary{k}"].T + p[f"bias_boundary{k}"]
            new[f"z{k}"] = threshold(score, cell.slope)
        i, f, g, o = a.chunk(4, -1)
        fresh = i.sigmoid() * g.tanh()
        copied, updated = (1 - flush) * (1 - ended), (1 - flush) * ended
        new[f"c{k}"] = flush * fresh + updated * (f.sigmoid() * c + fresh) + copied * c
        new[f"h{k}"] = copied * h + (1 - copied) * o.sigmoid() * new[f"c{k}"].tanh()
        if not top:
            ended = new[f"z{k}"]
            below = ended * new[f"h{k}"]
    return new


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["plain", "two-layers", "slope", "last"])
def test_hierarchical_cell_equals_autograd(name: str, seed: int) -> None:
    trial = TRIALS[f"HMLSTM-{name}"]
    cell = trial.cell
    assert isinstance(cell, cells.HMLSTM)
    c = case(trial, seed)
    p = {key: torch.from_numpy(value).requires_grad_() for key, value in c.parameters.items()}
    given = {key: torch.from_numpy(value).requires_grad_() for key, value in c.state.items()}
    x = torch.from_numpy(c.inputs["x"]).requires_grad_()
    s, outputs = given, []
    for t in range(T):
        s = hierarchical(x[t], s, p, cell)
        hidden = [s[f"h{k}"] for k in range(1, cell.layers + 1)]
        outputs.append(torch.cat(hidden, -1) if cell.output == "concat" else hidden[-1])
    output = torch.stack(outputs)
    trajectory, gradients = run(c), differentiate(c)
    same(trajectory.output, output.detach())
    close(trajectory.final, {key: s[key].detach().numpy() for key in c.state})
    total: Any = (output * torch.from_numpy(c.weights["output"])).sum()
    for key in c.state:
        total = total + (s[key] * torch.from_numpy(c.weights[key])).sum()
    total.backward()
    close(gradients.parameters, {key: grown(value) for key, value in p.items()})
    close(gradients.state, {key: grown(value) for key, value in given.items()})
    same(gradients.inputs["x"], x.grad)


@pytest.mark.parametrize("ended", [0.0, 1.0])
def test_a_layer_copies_until_the_one_below_ends(ended: float) -> None:
    c = case(TRIALS["HMLSTM-two-layers"])
    p = c.parameters | {
        "weight_boundary1": np.zeros((1, 11)),
        "bias_boundary1": np.array([ended - 0.5]),
    }
    found = run(replace(c, parameters=p))
    copied = np.array_equal(found.final["c2"], c.state["c2"])
    assert copied == (ended == 0)
    assert_array_equal(found.final["z1"], np.full((B, 1), ended))


def test_a_flushed_layer_forgets() -> None:
    c = case(TRIALS["HMLSTM-two-layers"])
    c.state["z1"][:] = [[0.0], [1.0], [0.0], [1.0]]
    other = run(replace(c, state=c.state | {"c1": c.state["c1"] + 1.0})).states[1]["c1"]
    same = np.all(other == run(c).states[1]["c1"], axis=1)
    assert_array_equal(same, [False, True, False, True])


# Mistakes

WRONG: list[tuple[type[Cell], dict[str, Any], str]] = [
    (cells.LSTM, {"couple": "f=i"}, "LSTM: couple does not know 'f=i'; did you mean 'f=1-i'"),
    (cells.LSTM, {"ablate": ("NXG",)}, "LSTM: ablate does not know 'NXG'"),
    (cells.LSTM, {"ablate": "NIG"}, "ablate must be a tuple of different names, got 'NIG'"),
    (cells.LSTM, {"ablate": ("NIG", "NIG")}, "a tuple of different names"),
    (cells.LSTM, {"couple": "f=1-i", "ablate": ("NFG",)}, "drop NIG and NFG"),
    (cells.LSTM, {"ablate": ("NIG", "NFG", "NOG", "FGR")}, "no gate is left"),
    (cells.LSTM, {"layer_norm": "Ba2016"}, "did you mean 'ba2016'"),
    (cells.LSTM, {"activations": ("tanh", "tanh")}, "a tuple of 3 names"),
    (cells.LSTM, {"activations": ("tahn", "tanh", "tanh")}, "did you mean 'tanh'"),
    (cells.LSTM, {"cell_clip": 0.0}, "cell_clip must be a number above 0, got 0.0"),
    (cells.LSTM, {"preactivation_clip": -1.0}, "preactivation_clip must be a number above 0"),
    (cells.LSTM, {"cell_clip": float("inf")}, "LSTM: cell_clip must be finite, got inf"),
    (cells.LSTM, {"peephole": "no"}, "LSTM: peephole must be True or False, got 'no'"),
    (cells.LSTM, {"ablate": None}, "ablate must be a tuple of different names, got None"),
    (cells.LSTM, {"ablate": [["NIG"]]}, r"ablate does not know \['NIG'\]"),
    (cells.LSTM, {"projection": -1}, "projection must be a whole number from 0 up, got -1"),
    (
        cells.RNN,
        {"activation": "sine"},
        "RNN: activation does not know 'sine'; there are 'sigmoid'",
    ),
    (cells.RNN, {"preactivation_clip": 0.0}, "RNN: preactivation_clip must be a number above 0"),
    (cells.GRU, {"preactivation_clip": "1"}, "GRU: preactivation_clip must be a number above 0"),
    (cells.GRU, {"reset": "befor"}, "GRU: reset does not know 'befor'; did you mean 'before'"),
    (cells.GRU, {"layer_norm": "carried"}, "GRU: layer_norm must be True or False, got 'carried'"),
    (cells.MinGRU, {"positive": 1}, "MinGRU: positive must be True or False, got 1"),
    (cells.GRU, {"reset": "before", "layer_norm": True}, "use reset='after'"),
    (cells.MogrifierLSTM, {"rounds": -1}, "rounds must be a whole number from 0 up"),
    (cells.MogrifierLSTM, {"rank": 0}, "rank must be a whole number from 1 up"),
    (cells.JANET, {"beta": float("nan")}, "JANET: beta must be a number that is finite"),
    (cells.IndRNN, {"steps": 0}, "IndRNN: steps must be a whole number from 1 up"),
    (cells.SRU, {"scale": 0.0}, "SRU: scale must be a number above 0"),
    (cells.SRU, {"scale": 10**400}, "SRU: scale must be finite"),
    (cells.SLSTM, {"heads": 0}, "SLSTM: heads must be a whole number from 1 up"),
    (cells.SLSTM, {"forget_gate": "tanh"}, "SLSTM: forget_gate does not know 'tanh'"),
    (cells.ONLSTM, {"chunk_size": 1.5}, "chunk_size must be a whole number"),
    (cells.PhasedLSTM, {"leak": 2.0}, "leak must be a number from 0 to 1, got 2.0"),
    (cells.PhasedLSTM, {"open_ratio_start": 0.0}, "above 0 and up to 1"),
    (cells.PhasedLSTM, {"longest_period": 1.0}, "longest_period must be a number above 1"),
    (cells.PhasedLSTM, {"projection": 2}, "time gates belong to units"),
    (cells.ClockworkRNN, {"periods": (2, 1)}, "rising whole numbers from 1 up, got \\(2, 1\\)"),
    (cells.ClockworkRNN, {"periods": (3, 2**23)}, "common multiple is at most 16,777,216"),
    (cells.ClockworkRNN, {"periods": 4}, "a tuple of rising whole numbers"),
    (cells.HMLSTM, {"layers": 1}, "layers must be a whole number from 2 up"),
    (cells.HMLSTM, {"layers": 101}, "layers must be a whole number from 2 to 100, got 101"),
    (cells.MogrifierLSTM, {"rounds": 10**9}, "rounds must be a whole number from 0 to 100"),
    (cells.QRNN, {"window": 101}, "window must be a whole number from 1 to 100"),
    (cells.HMLSTM, {"slope": 0.0}, "slope must be a number above 0"),
    (cells.HMLSTM, {"output": "all"}, "output does not know 'all'"),
    (cells.QRNN, {"window": 0}, "window must be a whole number from 1 up"),
    (cells.QRNN, {"pooling": "of"}, "pooling does not know 'of'"),
]


@pytest.mark.parametrize("kind, options, message", WRONG, ids=lambda value: str(value)[:40])
def test_wrong_options_are_refused(kind: type[Cell], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kind(**options)


@pytest.mark.parametrize(
    "cell, message",
    [
        (cells.SLSTM(heads=3), "SLSTM: hidden_size must be a multiple of heads=3, got 4"),
        (cells.ONLSTM(chunk_size=3), "hidden_size must be a multiple of chunk_size=3, got 4"),
        (cells.ONLSTM(chunk_size=4), "hidden_size must be 2 or more times chunk_size=4.*got 4"),
        (
            cells.ClockworkRNN((1, 2, 4)),
            r"hidden_size must be a multiple of len\(periods\)=3, got 4",
        ),
    ],
    ids=str,
)
def test_sizes_that_do_not_fit_are_refused(cell: Cell, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trace(cell, Sizes(3, 4))


def test_options_may_be_lists() -> None:
    lists: dict[str, Any] = {"ablate": ["NIG"], "activations": ["sigmoid", "tanh", "relu"]}
    tuples = cells.LSTM(ablate=("NIG",), activations=("sigmoid", "tanh", "relu"))
    assert cells.LSTM(**lists) == tuples
    assert trace(cells.LSTM(**lists), Sizes(3, 4)) is trace(tuples, Sizes(3, 4))


# The README of the cells

PAGE = (Path(cells.__file__).parent / "README.md").read_text()


def test_own_cell_of_the_page_works() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    cell = names["UGRNN"]()
    assert (
        cell.parameter_count(COUNTED) * 3 == cells.GRU(reset="before").parameter_count(COUNTED) * 2
    )
    compare_with_differences(case(Trial("", cell, Mode(ragged=True, reset=True))))
    noisy = trace(cell, COUNTED, Mode(training=True, candidate_dropout=0.5))
    assert [spec.noise for spec in noisy.inputs if spec.noise] == [("dropout", 0.5)]


@KINDS
def test_page_states_the_parameters(kind: type[Cell]) -> None:
    (formula,) = re.findall(rf"^\| `{kind.__name__}` \| ([^|]+) \|", PAGE, re.MULTILINE)
    product = re.sub(r"(?<=[\dIH)])(?=[IH(])", "*", formula)
    assert eval(product, {"I": 10, "H": 20}) == kind().parameter_count(COUNTED)

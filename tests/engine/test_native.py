"""The native scan has the reference's numbers, whatever the cell, size, threads and machine."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import longshort as ls
from longshort import cells
from longshort.cells import Sizes, State
from longshort.engine.derive import derive
from longshort.engine.executors import numpy as reference
from longshort.engine.executors import torch as portable
from longshort.engine.executors.common.contract import Job, Tensors, parameter_names
from longshort.engine.executors.common.plan import plan
from longshort.engine.executors.native import program as records
from longshort.engine.executors.native.compile import compile_forward
from longshort.engine.executors.native.program import Buffer, Kind, Place, Program, Run
from longshort.engine.ops import sigmoid, tanh
from longshort.engine.text import to_text
from longshort.engine.trace import trace
from tests import cell_table
from tests.cell_table import TRIALS, Case, Trial, case
from tests.tensors import parts

_native = pytest.importorskip("longshort._native", exc_type=ImportError)
runner = pytest.importorskip("longshort.engine.executors.native.run", exc_type=ImportError)

Array = NDArray[Any]
Results = dict[str, Tensor]

F64, F32 = torch.float64, torch.float32
EVERY = pytest.mark.parametrize("name", TRIALS)
VARIATIONS = {
    "plain": {},
    "ragged": {"ragged": True},
    "reset": {"reset": True},
    "both": {"ragged": True, "reset": True},
}
ISAS = _native.isas()
COMMON = {
    "lstm": cells.LSTM(),
    "peephole": cells.LSTM(peephole=True, cell_clip=0.6),
    "norm": cells.LSTM(layer_norm="ba2016", projection=2),
    "gru": cells.GRU(),
    "before": cells.GRU(reset="before"),
    "mogrifier": cells.MogrifierLSTM(rounds=3),
    "slstm": cells.SLSTM(),
    "hmlstm": cells.HMLSTM(layers=2),
}
"""Cells that between them use every kind of stage."""


# A problem, and what solves it


@dataclass(frozen=True, eq=False)
class Problem:
    """A case with as many sequences as wanted; `lengths` where they are ragged."""

    case: Case
    """With the input "alive" where they are ragged."""
    plain: Case
    """Without it, as the native scan is given it."""
    lengths: Tensor | None
    discrete: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[str]:
        return [spec.name for spec in self.plain.graph.inputs]

    @property
    def states(self) -> list[str]:
        return list(self.plain.state)


def widened(trial: Trial, seed: int, steps: int, batch: int) -> Case:
    """The table's case, with `batch` sequences."""
    parts = [case(trial, seed + k, steps) for k in range(-(-batch // cell_table.B))]
    first = parts[0]
    per_sequence = {spec.name for spec in first.graph.inputs if spec.per_sequence}

    def joined(values: list[Array], axis: int) -> Array:
        return np.concatenate(values, axis).take(range(batch), axis)

    return replace(
        first,
        inputs={
            name: joined([p.inputs[name] for p in parts], 0 if name in per_sequence else 1)
            for name in first.inputs
        },
        state={name: joined([p.state[name] for p in parts], 0) for name in first.state},
        weights={
            name: joined([p.weights[name] for p in parts], 1 if name == "output" else 0)
            for name in first.weights
        },
    )


@cache
def problem(
    trial: Trial | str, variation: str = "plain", steps: int = 5, batch: int = 4, seed: int = 0
) -> Problem:
    """A trial's numbers; the lengths are as unsorted as they come, the longest is all steps."""
    found = TRIALS[trial] if isinstance(trial, str) else trial
    modes = VARIATIONS[variation]
    with_ends = widened(found.within(**modes), seed, steps, batch)
    without = replace(with_ends, graph=trace(
        found.cell, found.sizes, replace(found.mode, reset="reset" in modes)))  # fmt: skip
    if "ragged" not in modes:
        return Problem(without, without, None, found.discrete)
    lengths = np.random.default_rng(seed).integers(1, steps + 1, batch)
    lengths[batch // 2] = steps
    with_ends.inputs["alive"] = (np.arange(steps)[:, None] < lengths)[..., None].astype(float)
    return Problem(with_ends, without, torch.from_numpy(lengths), found.discrete)


def gradient_names(p: Problem) -> list[str]:
    """In the order in which the native scan gives them."""
    free = [f"input:{spec.name}" for spec in p.plain.graph.inputs if spec.differentiable]
    parameters = [f"parameter:{name}" for name in parameter_names(p.plain.graph)]
    return [*free, *(f"state:{name}" for name in p.states), *parameters]


def arguments(p: Problem, dtype: torch.dtype = F64, **changes: Any) -> Job:
    """What the native scan is given."""

    def tensors(values: dict[str, Array], names: list[str]) -> Tensors:
        return {name: torch.tensor(values[name], dtype=dtype) for name in names}

    free = tuple(spec.name for spec in p.plain.graph.inputs if spec.differentiable)
    given = Job(
        plans={False: plan(p.plain.graph)},
        inputs=tensors(p.plain.inputs, p.inputs),
        state=tensors(p.plain.state, p.states),
        parameters=tensors(p.plain.parameters, parameter_names(p.plain.graph)),
        lengths=p.lengths,
        wanted=free,
        keep=True,
    )
    return replace(given, **changes)


def mapped(given: Job, change: Callable[[Tensor], Tensor]) -> Job:
    """The same with every tensor changed."""
    return given.with_tensors([change(value) for value in given.tensors], given.lengths)


def incoming(p: Problem, dtype: torch.dtype = F64) -> list[Tensor]:
    """Gradients of the output and the final states."""
    values = [p.plain.weights["output"], *(p.plain.weights[name] for name in p.states)]
    return [torch.tensor(value, dtype=dtype) for value in values]


def solve(
    p: Problem, given: Job | None = None, back: list[Tensor] | None = None, isa: str | None = None
) -> Results:
    """All that the native scan computes, forward and backward."""
    given = arguments(p) if given is None else given
    back = incoming(p, given.x.dtype) if back is None else back
    output, tape, *rest = runner.run_forward(given, isa)
    count = len(p.states)
    found = {"output": output} | dict(zip((f"final:{n}" for n in p.states), rest, strict=False))
    if given.want_states:
        found |= dict(zip((f"every:{n}" for n in p.states), rest[count:], strict=True))
    if given.keep:
        gradients = runner.run_backward(given, output, tape, back, isa)
        found |= dict(zip(gradient_names(p), gradients, strict=True))
    return found


@cache
def wanted(p: Problem) -> Results:
    """The same from the reference."""
    c = p.case
    trajectory = reference.forward(c.graph, c.parameters, c.inputs, c.state)
    final = {name: c.weights[name] for name in c.state}
    gradients = reference.backward(
        derive(c.graph), c.parameters, c.inputs, trajectory, c.weights["output"], final
    )
    return named(p, trajectory.output, trajectory.final, gradients)


def named(p: Problem, output: Array, final: dict[str, Array], g: Any) -> Results:
    groups = {"final": final, "input": g.inputs, "state": g.state, "parameter": g.parameters}
    found = {f"{key}:{name}": v for key, group in groups.items() for name, v in group.items()}
    return {k: torch.from_numpy(v) for k, v in ({"output": output} | found).items()}


def distance(found: Tensor, exact: Tensor) -> float:
    """Norm of the difference, relative to that of what is exact where this is not small."""
    error = torch.linalg.vector_norm(found.double() - exact).item()
    return error / max(torch.linalg.vector_norm(exact).item(), 1e-3)


def agree(found: Results, exact: Results, tolerance: float = 1e-12) -> None:
    assert found.keys() == exact.keys()
    for name, value in exact.items():
        assert found[name].shape == value.shape, name
        assert distance(found[name], value) <= tolerance, name


def identical(found: Results, exact: Results, names: Any = None) -> None:
    """The same bits; of NaN too."""
    for name in exact if names is None else names:
        assert torch.equal(found[name].nan_to_num(nan=7.0), exact[name].nan_to_num(nan=7.0)), name


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Sets how many threads torch, and so the scan, has."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


# The reference's numbers


@pytest.mark.parametrize("variation", VARIATIONS)
@EVERY
def test_equals_the_reference_with_all_gradients(name: str, variation: str) -> None:
    p = problem(name, variation)
    agree(solve(p), wanted(p))


@pytest.mark.parametrize("isa", ISAS)
@EVERY
def test_every_instruction_set_equals_the_reference(name: str, isa: str) -> None:
    p = problem(name, "both")
    agree(solve(p, isa=isa), wanted(p))


@pytest.mark.parametrize("variation", ["plain", "both"])
@EVERY
def test_inference_gives_the_bits_of_training(name: str, variation: str) -> None:
    p = problem(name, variation)
    inference = solve(p, arguments(p, keep=False))
    identical(solve(p), inference)
    assert len(inference) == 1 + len(p.states)


@pytest.mark.parametrize("variation", ["plain", "both"])
@EVERY
def test_states_of_every_step_and_their_gradients(name: str, variation: str) -> None:
    """The reference goes step by step, and adds each step's own gradient where it comes by."""
    p = problem(name, variation, seed=1)
    rng = np.random.default_rng(5)
    shapes = {n: (5, 4, v.shape[-1]) for n, v in p.case.state.items()}
    own = {n: rng.normal(size=s) * (n not in p.discrete) for n, s in shapes.items()}
    if p.lengths is not None:
        alive = p.case.inputs["alive"]
        own = {n: value * alive for n, value in own.items()}
    given = arguments(p, want_states=True)
    found = solve(p, given, [*incoming(p), *(torch.from_numpy(own[n]) for n in p.states)])
    c = p.case
    trajectory = reference.forward(c.graph, c.parameters, c.inputs, c.state)
    for n in p.states:
        every = torch.from_numpy(np.stack([s[n] for s in trajectory.states[1:]]))
        kept = found.pop(f"every:{n}")
        if p.lengths is not None:
            mask = torch.from_numpy(c.inputs["alive"]) == 1
            kept, every = (torch.where(mask, v, 0.0) for v in (kept, every))
        assert distance(kept, every) <= 1e-12, n
    agree(found, stepwise(p, trajectory, own))


def stepwise(p: Problem, trajectory: reference.Trajectory, own: dict[str, Array]) -> Results:
    """Gradients where every step's states have some of their own."""
    c, derived = p.case, derive(p.case.graph)
    per_sequence = {spec.name for spec in c.graph.inputs if spec.per_sequence}
    back = {n: c.weights[n] for n in c.state}
    parts = []
    for t in reversed(range(len(trajectory.output))):
        inputs = {n: v if n in per_sequence else v[t : t + 1] for n, v in c.inputs.items()}
        step = reference.Trajectory(trajectory.output[t : t + 1], trajectory.states[t : t + 2])
        back = {n: value + own[n][t] for n, value in back.items()}
        d = c.weights["output"][t : t + 1]
        parts.append(reference.backward(derived, c.parameters, inputs, step, d, back))
        back = parts[-1].state
    whole = reference.Gradients(
        back,
        {
            n: sum(g.inputs[n] for g in parts)
            if n in per_sequence
            else np.concatenate([g.inputs[n] for g in reversed(parts)])
            for n in parts[0].inputs
        },
        {n: sum(g.parameters[n] for g in parts) for n in c.parameters},
    )
    return named(p, trajectory.output, trajectory.final, whole)


AMPLIFYING = ("norm", "narrow", "peephole", "Phased")
"""Trials that may lose more than 5e-6 in 100 steps of float32. With these weights a trajectory
through layer norm is chaotic: it makes 1e-4 of a difference of 1e-7. A peephole's gradient is the
state, which may be large, times σ(1 - σ) of a gate that the state has saturated. A phase is the
fraction of a number that grows with time. These are measured by what the torch executor loses in
float32."""


def together(found: Results) -> Results:
    """One vector of all outputs and final states, one of the parameters' gradients, ..."""
    kinds = [key.partition(":")[0] for key in found]
    return {
        kind: torch.cat([v.flatten() for k, v in found.items() if k.startswith(kind)])
        for kind in dict.fromkeys(kinds)
    }


@EVERY
def test_float32_over_a_hundred_steps(name: str) -> None:
    p = problem(name, "plain", steps=100)
    single = arguments(p, F32)
    double = mapped(single, Tensor.double)
    back = incoming(p, F32)
    exact = together(solve(p, double, [d.double() for d in back]))
    found = together(solve(p, single, back))
    lost = {key: distance(found[key], value) for key, value in exact.items()}
    beyond = {key for key, loss in lost.items() if loss > 5e-6}
    if beyond:
        assert any(word in name for word in AMPLIFYING), lost
        other = together(by_torch(p, single, back))
        for key in beyond:
            assert lost[key] <= 5 * distance(other[key], exact[key]), (key, lost[key])


def by_torch(p: Problem, given: Job, back: list[Tensor]) -> Results:
    """Outputs and all gradients from the torch executor."""
    graph, inputs, state, parameters = given.graph, given.inputs, given.state, given.parameters
    free = [inputs[spec.name] for spec in graph.inputs if spec.differentiable]
    leaves = [value.requires_grad_() for value in (*free, *state.values(), *parameters.values())]
    found = portable.run(graph, parameters, inputs, state)
    gradients = torch.autograd.grad(
        [found.output, *found.final.values()], leaves, back, materialize_grads=True
    )
    final = {f"final:{n}": v.detach() for n, v in found.final.items()}
    return {
        "output": found.output.detach(),
        **final,
        **dict(zip(gradient_names(p), gradients, strict=True)),
    }


# Sizes


@pytest.mark.parametrize("isa", ISAS)
@EVERY
def test_few_rows(name: str, isa: str) -> None:
    """For which weights are not packed."""
    p = problem(name, "both", steps=3)
    agree(solve(p, isa=isa), wanted(p))


def trial(name: str, inputs: int, hidden: int) -> Trial:
    return Trial(name, COMMON[name], sizes=Sizes(inputs, hidden))


@pytest.mark.parametrize("batch", [1, 3, 49])
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("hidden", [1, 7, 17, 33])
@pytest.mark.parametrize("name", COMMON)
def test_odd_sizes(name: str, hidden: int, steps: int, batch: int) -> None:
    hidden += 2 * (name == "norm")  # which is projected to 2
    p = problem(trial(name, 1, hidden), "both", steps, batch)
    agree(solve(p), wanted(p), 4e-12)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("name", "inputs", "hidden", "steps", "batch"),
    [
        ("peephole", 1, 7, 130, 3),
        ("gru", 5, 33, 40, 49),
        ("norm", 3, 17, 12, 130),
        ("mogrifier", 9, 17, 300, 1),
        ("before", 70, 65, 9, 50),
    ],
)
def test_more_than_a_block_and_a_chunk(
    name: str, inputs: int, hidden: int, steps: int, batch: int, isa: str
) -> None:
    """Over 48 sequences, over 256 sequences times steps, matrices over several panels."""
    p = problem(trial(name, inputs, hidden), "both", steps, batch)
    agree(solve(p, isa=isa), wanted(p), 1e-11)


@pytest.mark.parametrize("name", COMMON)
def test_threads_of_large_scans_change_no_bit(name: str, threads: Callable[[int], None]) -> None:
    p = problem(trial(name, 9, 64), "both", 23, 101)
    for dtype in (F32, F64):
        given = arguments(p, dtype)
        threads(1)
        alone = solve(p, given)
        for count in (2, 3, 4, 2):
            threads(count)
            identical(solve(p, given), alone)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("name", COMMON)
def test_threads_that_share_the_columns_of_a_step_change_no_bit(
    name: str, batch: int, isa: str, threads: Callable[[int], None]
) -> None:
    """So few sequences, and so many weights, that threads go through the steps together."""
    p = problem(trial(name, 5, 184), "both", 14, batch)
    for dtype in (F32, torch.bfloat16):
        given = arguments(p, dtype)
        threads(1)
        alone = solve(p, given, isa=isa)
        for count in (2, 4):
            threads(count)
            identical(solve(p, given, isa=isa), alone)
    agree(solve(p, isa=isa), wanted(p), 1e-11)


@pytest.mark.parametrize("name", COMMON)
def test_what_lies_past_an_end_is_not_read(name: str) -> None:
    p = problem(trial(name, 3, 8), "ragged", 9, 6)
    assert p.lengths is not None
    given, back = arguments(p), incoming(p)
    past = torch.arange(9)[:, None] >= p.lengths

    def poisoned(value: Tensor) -> Tensor:
        return value.masked_fill(past[..., None], torch.nan) if value.dim() == 3 else value

    found = solve(p, mapped(given, poisoned), [poisoned(d) for d in back])
    identical(found, solve(p))
    assert found["output"][past].eq(0).all() and found["input:x"][past].eq(0).all()


@pytest.mark.parametrize("name", COMMON)
@pytest.mark.parametrize(("steps", "batch"), [(0, 3), (4, 0), (0, 0)])
def test_nothing_to_do(name: str, steps: int, batch: int) -> None:
    layer = ls.nn.Recurrent(COMMON[name], 3, 4, backend="native", dtype=F64)
    x = torch.randn(steps, batch, 3, dtype=F64, requires_grad=True)
    _, state = layer(torch.randn(1, batch, 3, dtype=F64))
    state = [v.detach().requires_grad_() for v in parts(state)]
    out, after = layer(x, tuple(state) if len(state) > 1 else state[0])
    after = parts(after)
    assert out.shape == (steps, batch, layer.output_size)
    for old, new in zip(state, after, strict=True):
        assert torch.equal(old, new)
    sum((v.sum() for v in (out, *after)), torch.zeros((), dtype=F64)).backward()
    assert all(v.grad is None or not v.grad.any() for v in layer.parameters())
    assert all(v.grad is None or v.grad.eq(1).all() for v in state)


# Memory


def strided(value: Tensor, how: str) -> Tensor:
    """The same numbers, lying in memory in another way."""
    match how:
        case "turned":
            return value.transpose(0, -1).contiguous().transpose(0, -1)
        case "swapped" if value.dim() == 3:
            return value.transpose(0, 1).contiguous().transpose(0, 1)
        case "every second column":
            return torch.stack([value, torch.full_like(value, torch.nan)], -1).flatten(-2)[..., ::2]
        case "every second row":
            return torch.stack([value, torch.full_like(value, torch.nan)], 1).flatten(0, 1)[::2]
        case "within":
            wide = torch.full([n + 3 for n in value.shape], torch.nan, dtype=value.dtype)
            place = wide[tuple(slice(1, n + 1) for n in value.shape)]
            return place.copy_(value)
    return value


HOW = ["turned", "swapped", "every second column", "every second row", "within"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", COMMON)
def test_strides_do_not_matter(name: str, how: str) -> None:
    p = problem(trial(name, 3, 8), "both", 6, 5)
    given, back = arguments(p), incoming(p)
    other = mapped(given, lambda value: strided(value, how))
    assert not all(v.is_contiguous() for v in (*other.inputs.values(), *other.state.values()))
    identical(solve(p, other, [strided(d, how) for d in back]), solve(p, given, back))


@pytest.mark.parametrize("name", COMMON)
def test_expanded_tensors(name: str) -> None:
    """Stride 0: one sequence for all, one step for all, and the gradient of a sum."""
    p = problem(trial(name, 3, 8), "plain", 6, 5)
    given, back = arguments(p), incoming(p)
    one = given.x[:1, :1].expand_as(given.x)
    same_steps = given.x[:1].expand_as(given.x)
    state = {name: v[:1].expand_as(v) for name, v in given.state.items()}
    flat = [torch.ones((), dtype=F64).expand_as(d) for d in back]
    for x in (one, same_steps):
        loose = replace(given, inputs={"x": x}, state=state)
        tight = mapped(loose, torch.clone)
        identical(solve(p, loose, flat), solve(p, tight, [d.clone() for d in flat]))


def test_nothing_given_is_written_to() -> None:
    for name in COMMON:
        p = problem(trial(name, 3, 8), "both", 6, 5)
        given, back = arguments(p), incoming(p)
        everything = [*given.tensors, *back]
        before = [v.clone() for v in everything]
        solve(p, given, back)
        assert all(torch.equal(a, b) for a, b in zip(everything, before, strict=True)), name


@pytest.mark.parametrize("name", COMMON)
def test_deterministic(name: str, threads: Callable[[int], None]) -> None:
    threads(2)
    p = problem(trial(name, 5, 16), "both", 40, 20)
    given = arguments(p, F32)
    first = solve(p, given)
    for _ in range(4):
        identical(solve(p, given), first)


@EVERY
def test_threads_change_no_bit(name: str, threads: Callable[[int], None]) -> None:
    p = problem(name, "both", steps=7, batch=49)
    given = arguments(p)
    alone = solve(p, given)
    for count in (2, 3, 4):
        threads(count)
        identical(solve(p, given), alone)


@EVERY
def test_order_of_the_batch_changes_no_bit(name: str) -> None:
    """But in the parameters' gradients, which are sums over the batch."""
    p = problem(name, "both", steps=7, batch=49)
    order = torch.from_numpy(np.random.default_rng(2).permutation(49))
    given = arguments(p)
    assert given.lengths is not None
    moved = replace(
        given,
        inputs={
            spec.name: given.inputs[spec.name].index_select(0 if spec.per_sequence else 1, order)
            for spec in given.graph.inputs
        },
        state={name: value[order] for name, value in given.state.items()},
        lengths=given.lengths[order],
    )
    back = incoming(p)
    there = solve(p, given, back)
    output, *final = back
    here = solve(p, moved, [output[:, order], *(value[order] for value in final)])
    for key, value in there.items():
        if key.startswith("parameter:"):
            assert distance(here[key], value) <= 1e-12, key
        else:
            per_step = value.dim() == 3
            assert torch.equal(here[key], value[:, order] if per_step else value[order]), key


# Threads and processes


def in_parallel(p: Problem) -> Results:
    return solve(p, arguments(p, F32))


def test_from_several_python_threads_at_once(threads: Callable[[int], None]) -> None:
    threads(2)
    problems = [problem(trial(name, 5, 24), "both", 30, 20) for name in COMMON]
    alone = [in_parallel(p) for p in problems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(in_parallel, [*problems, *problems, *problems]))
    for found, exact in zip(together, [*alone, *alone, *alone], strict=True):
        identical(found, exact)


CHILDREN = """
import os, torch
from torch.utils.data import DataLoader, Dataset
import longshort as ls

torch.set_num_threads(2)
torch.manual_seed(0)
layer = ls.nn.LSTM(5, 16, peephole=True, backend="native")
# Small: on large tensors torch's own operations hang in a forked child, with or without the scan.
x = torch.randn(10, 12, 5, requires_grad=True)

def numbers():
    x.grad = None
    layer.zero_grad()
    out, _ = layer(x)
    out.backward(torch.ones_like(out))
    return [out.detach(), x.grad, *(w.grad for w in layer.parameters())]

first = [v.clone() for v in numbers()]

def same(found):
    return all(torch.equal(a, b) for a, b in zip(found, first, strict=True))
"""
FORK = """
def descend(depth):
    child = os.fork()
    if child == 0:
        good = same(numbers()) and same(numbers()) and (depth == 0 or descend(depth - 1))
        os._exit(0 if good else 3)
    return same(numbers()) and os.waitpid(child, 0)[1] == 0

assert descend(2)
assert same(numbers())
print("done")
"""
WORKERS = """
class Series(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return torch.cat([v.flatten() for v in numbers()])

wanted = torch.cat([v.flatten() for v in first])
loader = DataLoader(Series(), num_workers=2, batch_size=None, multiprocessing_context="fork")
for value in loader:
    assert torch.equal(value, wanted)
assert same(numbers())
print("done")
"""


@pytest.mark.parametrize("body", [FORK, WORKERS], ids=["fork", "data loader"])
def test_in_children_of_a_process_that_has_used_it(body: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN + body],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "done\n", done.stderr


# Layers


class Remembering(cells.Cell):
    """A cell whose states are: what x was, for all steps at once; what it becomes; a count."""

    gates: ClassVar[tuple[str, ...]] = ("a", "b")
    state: ClassVar[tuple[str, ...]] = ("seen", "kept", "count")

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        return {"seen": n.hidden, "kept": n.hidden, "count": 1}

    def step(self, x: Any, s: Any, p: Any) -> tuple[Any, State]:
        z = p.ih(x)
        seen = tanh(z.a)
        kept = sigmoid(z.b + p.hh(s.kept).b) * s.kept + s.seen
        return kept / (1 + s.count), State(seen=seen, kept=kept, count=s.count + 1)


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_a_cell_written_a_moment_ago(backend: str) -> None:
    layer = ls.nn.Recurrent(
        Remembering(), 3, 5, num_layers=2, bidirectional=True, backend=backend, dtype=F64
    )
    other = ls.nn.Recurrent(
        Remembering(), 3, 5, num_layers=2, bidirectional=True, backend="torch", dtype=F64
    )
    other.load_state_dict(layer.state_dict())
    x, lengths = torch.randn(300, 4, 3, dtype=F64), torch.tensor([20, 300, 1, 130])
    for options in ({}, {"lengths": lengths}):
        results = []
        for each in (layer, other):
            each.zero_grad()
            out, state = each(x, **options)
            (out.square().sum() + sum(s.sum() for s in state)).backward()
            results.append([out, *state, *(w.grad for w in each.parameters())])
        with torch.no_grad():
            out, state = layer(x, **options)
        for a, b in zip(*results, strict=True):
            assert distance(a.detach(), b.detach()) <= 1e-11
        for a, b in zip((out, *state), results[0], strict=False):
            assert torch.equal(a, b)


def layer_of(kind: str = "LSTM", **options: Any) -> Any:
    torch.manual_seed(0)
    layer = getattr(ls.nn, kind)(3, 4, backend="native", dtype=F64, **options)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(0.5 * torch.randn_like(weight))
    return layer


def test_backward_twice_through_a_kept_graph() -> None:
    layer, x = layer_of(peephole=True), torch.randn(6, 2, 3, dtype=F64, requires_grad=True)
    loss = layer(x)[0].square().sum()
    targets = [x, *layer.parameters()]
    first = torch.autograd.grad(loss, targets, retain_graph=True)
    second = torch.autograd.grad(loss, targets)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, targets)


def test_backward_in_evaluation_mode() -> None:
    layer, x = layer_of(zoneout=0.4), torch.randn(6, 2, 3, dtype=F64, requires_grad=True)
    portable_layer = ls.nn.LSTM(3, 4, zoneout=0.4, backend="torch", dtype=F64)
    portable_layer.load_state_dict(layer.state_dict())
    found = [
        torch.autograd.grad(each.eval()(x)[0].square().sum(), [x, *each.parameters()])
        for each in (layer, portable_layer)
    ]
    for a, b in zip(*found, strict=True):
        assert distance(a, b) <= 1e-12


def test_a_weight_in_place_after_the_scan_is_refused() -> None:
    layer, x = layer_of(), torch.randn(6, 2, 3, dtype=F64)
    loss = layer(x)[0].sum()
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_parameters_that_are_views() -> None:
    """As of a flat buffer, of a transposed matrix, or of a part of a larger one."""
    layer, x = layer_of(peephole=True), torch.randn(6, 2, 3, dtype=F64)
    plain = {name: weight.detach() for name, weight in layer.named_parameters()}
    exact = torch.func.functional_call(layer, plain, x)[0]
    for how in HOW:
        views = {name: strided(weight, how) for name, weight in plain.items()}
        assert torch.equal(torch.func.functional_call(layer, views, x)[0], exact)
    flat = torch.cat([w.flatten() for w in plain.values()]).requires_grad_()
    parts = flat.split([w.numel() for w in plain.values()])
    views = {name: part.view_as(plain[name]) for name, part in zip(plain, parts, strict=True)}
    torch.func.functional_call(layer, views, x)[0].sum().backward()
    layer(x)[0].sum().backward()
    assert torch.equal(flat.grad, torch.cat([w.grad.flatten() for w in layer.parameters()]))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_compiled_forward_and_backward(kind: str) -> None:
    layer, x = layer_of(kind), torch.randn(5, 2, 3, dtype=F64, requires_grad=True)
    lengths, reset = torch.tensor([5, 2]), torch.zeros(5, 2, dtype=torch.bool)
    reset[3, 0] = True

    def loss(x: Tensor) -> Tensor:
        out, _ = layer(x, lengths=lengths, reset=reset)
        return out.square().sum()

    targets = [x, *layer.parameters()]
    exact = torch.autograd.grad(loss(x), targets)
    whole = torch.compile(loss, fullgraph=True, backend="aot_eager")
    found = torch.autograd.grad(whole(x), targets)
    for a, b in zip(found, exact, strict=True):
        torch.testing.assert_close(a, b)


def test_exported_with_its_equations() -> None:
    layer, x = layer_of(peephole=True).eval(), torch.randn(5, 2, 3, dtype=F64)
    program = torch.export.export(layer, (x,), dynamic_shapes={"x": {0: torch.export.Dim("t")}})
    longer = torch.randn(9, 2, 3, dtype=F64)
    torch.testing.assert_close(program.module()(longer)[0], layer(longer)[0])
    assert any("longshort.scan" in str(node.target) for node in program.graph.nodes)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("lengths", [None, [3, 1]], ids=["whole", "ragged"])
def test_second_derivatives_of_a_gru(lengths: list[int] | None) -> None:
    layer = ls.nn.GRU(2, 2, backend="native", dtype=F64)
    names = [name for name, _ in layer.named_parameters()]
    options = {} if lengths is None else {"lengths": torch.tensor(lengths)}

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(layer, given, (x,), options)[0]

    given = [torch.randn(3, 2, 2, dtype=F64, requires_grad=True), *layer.parameters()]
    assert torch.autograd.gradcheck(run, given)
    assert torch.autograd.gradgradcheck(run, given)


def test_transforms_of_functions() -> None:
    layer, x = layer_of("GRU"), torch.randn(5, 2, 3, dtype=F64)
    weights = dict(layer.named_parameters())

    def loss(given: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(layer, given, x)[0].square().sum()

    exact = torch.autograd.grad(loss(weights, x), list(weights.values()))
    found = torch.func.grad(loss)(weights, x)
    for a, b in zip(found.values(), exact, strict=True):
        torch.testing.assert_close(a, b)
    each = torch.vmap(torch.func.grad(loss), (None, 1))(weights, x.unsqueeze(2))
    for a, b in zip(each.values(), exact, strict=True):
        torch.testing.assert_close(a.sum(0), b)


@pytest.mark.parametrize("lengths", [None, [2, 5, 5]], ids=["whole", "ragged"])
def test_torch_finds_no_fault_with_the_operator(lengths: list[int] | None) -> None:
    p = problem("LSTM-peephole", "plain", batch=3)
    given = arguments(p)
    for value in given.tensors:
        value.requires_grad_()
    ragged = None if lengths is None else torch.tensor(lengths)
    tensors = (*given.lists, ragged)
    torch.library.opcheck(
        torch.ops.longshort.scan.default,
        (to_text(given.graph), *tensors, [1], True, True),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )


# Single steps


@pytest.mark.parametrize("dtype", [F32, F64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", COMMON)
def test_single_steps_are_the_whole(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    layer = ls.nn.Recurrent(COMMON[name], 5, 9, num_layers=2, backend="native", dtype=dtype)
    # bfloat16 rounds the states after a single step, so that trajectories part.
    count = 3 if dtype == torch.bfloat16 else 12
    x = torch.randn(count, 3, 5, dtype=dtype)
    wide = torch.full((count, 3, 8), torch.nan, dtype=dtype)
    wide[..., 2:7] = x
    tolerance = {F32: 1e-5, F64: 1e-12, torch.bfloat16: 0.06}[dtype]
    with torch.no_grad():
        whole, final = layer(x)
        for steps in (x, wide[..., 2:7]):
            state, outputs = None, []
            for x_t in steps:
                y, state = layer.step(x_t, state)
                outputs.append(y)
            found, last = torch.stack(outputs), state
            assert distance(found, whole.double()) <= tolerance
            for a, b in zip(parts(last), parts(final), strict=True):
                assert distance(a, b.double()) <= tolerance


def test_a_step_changes_nothing_that_it_is_given() -> None:
    layer = ls.nn.LSTM(3, 4, num_layers=2, backend="native")
    x, state = torch.randn(2, 3), (torch.randn(2, 2, 4), torch.randn(2, 2, 4))
    before = [v.clone() for v in (x, *state)]
    with torch.no_grad():
        y, new = layer.step(x, state)
        again, _ = layer.step(x, state)
    assert all(torch.equal(a, b) for a, b in zip((x, *state), before, strict=True))
    assert torch.equal(y, again) and not torch.equal(new[0], state[0])


# bfloat16: matrix products are narrower, nothing else


def rounded(p: Problem) -> tuple[Job, list[Tensor]]:
    """The problem in numbers that bfloat16 has, as float32."""
    given, back = arguments(p, torch.bfloat16), incoming(p, torch.bfloat16)
    return mapped(given, Tensor.float), [d.float() for d in back]


@pytest.mark.parametrize("variation", ["plain", "both"])
@EVERY
def test_bfloat16_is_near_float32(name: str, variation: str) -> None:
    p = problem(name, variation)
    found = solve(p, arguments(p, torch.bfloat16), incoming(p, torch.bfloat16))
    assert {v.dtype for v in found.values()} == {torch.bfloat16}
    found, exact = together(found), together(solve(p, *rounded(p)))
    for key, value in exact.items():
        assert distance(found[key], value.double()) <= 0.03, key


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", COMMON)
def test_bfloat16_of_every_instruction_set_and_thread(
    name: str, isa: str, threads: Callable[[int], None]
) -> None:
    p = problem(trial(name, 9, 34), "both", 6, 51)
    given = arguments(p, torch.bfloat16)
    alone = solve(p, given, isa=isa)
    threads(3)
    identical(solve(p, given, isa=isa), alone)
    exact, found = together(solve(p, *rounded(p))), together(alone)
    for key, value in exact.items():
        assert distance(found[key], value.double()) <= 0.05, key


# Instruction sets

FLAGS = {"avx2": "avx2", "avx512vl": "avx512", "avx512_bf16": "avx512bf16", "asimd": "neon"}
"""What Linux calls them, and what we do."""


def test_every_instruction_set_of_this_machine_is_exercised() -> None:
    cpu = Path("/proc/cpuinfo")
    if not cpu.exists():
        pytest.skip("/proc/cpuinfo, to compare with, is there on Linux alone")
    words = set(cpu.read_text().split())
    assert {ours for theirs, ours in FLAGS.items() if theirs in words} | {"generic"} == set(ISAS)


def test_instruction_sets_are_not_one_and_the_same() -> None:
    """Without fused multiply-add, the last bits are others."""
    if len(ISAS) == 1:
        pytest.skip("this machine has the generic kernels alone")
    p = problem(trial("gru", 9, 64), "plain", 9, 20)
    found = [solve(p, isa=isa)["output"] for isa in (ISAS[0], "generic")]
    assert not torch.equal(*found)


# Refusals


Call = tuple[Any, list[Any]]


def calls(given: Job, back: list[Tensor]) -> tuple[list[Call], list[Any]]:
    """Programs that a scan runs, with the numbers of each call; and what keeps their memory."""
    found: list[Call] = []
    programs: dict[int, Program] = {}
    kept: list[Any] = []
    original = runner.run

    def noting(memory: Any, program: Program, isa: str | None) -> None:
        kept.append(memory)
        programs[len(found)] = program
        original(memory, program, isa)

    def run(program: Any, *numbers: Any) -> None:
        found.append((programs[len(found)], list(numbers)))
        _native.run(program, *numbers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "run", noting)
        patch.setattr(runner, "_native", SimpleNamespace(run=run))
        output, tape, *_ = runner.run_forward(given)
        if given.keep:
            runner.run_backward(given, output, tape, back)
    kept += [given, output, tape]
    return found, kept


@cache
def recorded(name: str, keep: bool = True, variation: str = "both") -> tuple[list[Call], list[Any]]:
    p = problem(trial(name, 3, 4), variation, 7, 5)
    return calls(arguments(p, keep=keep), incoming(p))


def programs() -> dict[str, Program]:
    (forward, _), (backward, _) = recorded("peephole")[0]
    return {"forward": forward, "backward": backward}


def first(program: Program, **wanted: Any) -> int:
    """Place of the first buffer with these fields."""
    fits = (all(getattr(b, k) == v for k, v in wanted.items()) for b in program.buffers)
    return list(fits).index(True)


def buffer_with(**changes: Any) -> Callable[[Program], None]:
    """Spoils the first buffer that lies inside, or outside if it is about that."""

    def spoil(program: Program) -> None:
        place = first(program, kind=changes.pop("of", Kind.ROW))
        program.buffers[place] = program.buffers[place]._replace(**changes)

    return spoil


def instruction_with(**changes: Any) -> Callable[[Program], None]:
    def spoil(program: Program) -> None:
        program.instructions[0] = program.instructions[0]._replace(**changes)

    return spoil


def target_of(kind: Kind) -> Callable[[Program], None]:
    def spoil(program: Program) -> None:
        size = program.instructions[0].size
        program.buffers.append(Buffer(kind, size, 0 if kind != Kind.CONSTANT else -1))
        instruction_with(target=Place(len(program.buffers) - 1, 0))(program)

    return spoil


def entry(rows: str, **changes: Any) -> Callable[[Program], None]:
    """Spoils the first of matrices, sums, ...; a buffer may be given by its kind."""

    def spoil(program: Program) -> None:
        found = {}
        for key, value in changes.items():
            if isinstance(value, Buffer):
                program.buffers.append(value)
                value = len(program.buffers) - 1
                if rows != "enter" and key in ("d", "v", "source"):
                    value = Place(value, 0)
            found[key] = value
        getattr(program, rows)[0] = getattr(program, rows)[0]._replace(**found)

    return spoil


def product_with(**changes: Any) -> Callable[[Program], None]:
    def spoil(program: Program) -> None:
        place = next(i for i, s in enumerate(program.step) if not isinstance(s, Run))
        program.step[place] = program.step[place]._replace(**changes)

    return spoil


def rows_beyond(program: Program) -> None:
    program.step.append(Run(0, len(program.instructions) + 1))


def too_many_sources(program: Program) -> None:
    one = next(i for i, x in enumerate(program.instructions) if len(x.sources) == 1)
    found = program.instructions[one]
    program.instructions[one] = found._replace(sources=(*found.sources, Place(10**6, 0)))


FAR = 2**62
BAD: dict[str, tuple[Callable[[Program], None], str]] = {
    "kind": (buffer_with(kind="attic"), "Buffer.kind: no kind is called attic"),
    "kind of a number": (buffer_with(kind=4), "Buffer.kind: a kind's name is expected"),
    "no width": (buffer_with(width=0), "buffer"),
    "negative width": (buffer_with(width=-4), "buffer"),
    "width of a word": (buffer_with(width="wide"), "Buffer.width: a whole number .* 'wide'"),
    "endless width": (buffer_with(width=2**64), "Buffer.width: a whole number"),
    "great width": (buffer_with(width=2**61), "buffer"),
    "inside with a tensor": (buffer_with(external=0), "outside buffer"),
    "outside without one": (buffer_with(of=Kind.TIME, external=-1), "outside buffer"),
    "no such tensor": (buffer_with(of=Kind.TIME, external=999), "outside buffer"),
    "ring of three": (buffer_with(of=Kind.TIME, ring=3), "ring"),
    "shift of two": (buffer_with(of=Kind.TIME, shift=2), "shift"),
    "shift without a ring": (buffer_with(of=Kind.TIME, shift=1, ring=0), "shift without a ring"),
    "nothing before": (buffer_with(of=Kind.TIME, shift=-1, first=-1), "first buffer"),
    "negative origin": (buffer_with(of=Kind.TIME, origin=-1), "shift"),
    "far origin": (buffer_with(of=Kind.TIME, origin=2**63 - 1), "shift"),
    "unknown instruction": (instruction_with(op="frobnicate"), "called frobnicate"),
    "no columns": (instruction_with(size=0), "place"),
    "many columns": (instruction_with(size=FAR), "place"),
    "no such target": (instruction_with(target=Place(999, 0)), "place"),
    "nowhere": (instruction_with(target=Place(-1, 0)), "place"),
    "target's column": (instruction_with(target=Place(0, 10**6)), "place"),
    "negative column": (instruction_with(target=Place(0, -1)), "place"),
    "far column": (instruction_with(target=Place(0, FAR)), "place"),
    "no such source": (instruction_with(sources=(Place(999, 0),) * 3), "place|source"),
    "superfluous source": (too_many_sources, "source"),
    "writes a constant": (target_of(Kind.CONSTANT), "target"),
    "writes a vector": (target_of(Kind.VECTOR), "target"),
    "writes a state": (target_of(Kind.BATCH), "target"),
    "many sources": (instruction_with(sources=(Place(0, 0),) * 4), "at most 3"),
    "no such matrix": (product_with(matrix=99), "product"),
    "product's target": (product_with(target=Place(0, 10**6)), "place"),
    "product's source": (product_with(source=Place(-1, 0)), "place"),
    "product's start": (product_with(start=Place(10**6, 0)), "place"),
    "matrix backwards": (entry("matrices", begin=4, end=0), "matrix"),
    "matrix without columns": (entry("matrices", columns=0), "matrix"),
    "matrix's tensor": (entry("matrices", external=-1), "matrix"),
    "far matrix": (entry("matrices", begin=FAR, end=FAR + 16), "matrix"),
    "instructions beyond": (rows_beyond, "run of instructions"),
    "leaves from nowhere": (entry("leave", source=Place(-1, 0)), "place"),
    "leaves from a chunk": (entry("leave", source=Buffer(Kind.LOCAL, 64)), "leave"),
    "leaves to a row": (entry("leave", target=Buffer(Kind.ROW, 4)), "leave"),
}
BACKWARD: dict[str, tuple[Callable[[Program], None], str]] = {
    "enters nothing": (entry("enter", target=999), "enter"),
    "enters from a row": (entry("enter", source=Buffer(Kind.ROW, 4)), "enter"),
    "enters all steps": (entry("enter", target=Buffer(Kind.TIME, 1, 0)), "enter"),
    "sum's tensor": (entry("matrix_sums", external=99), "matrix sum"),
    "sum backwards": (entry("matrix_sums", begin=3, end=3), "matrix sum"),
    "far sum": (entry("matrix_sums", begin=-FAR, end=FAR), "matrix sum"),
    "sum's columns": (entry("matrix_sums", columns=0), "place"),
    "sum of a block": (entry("matrix_sums", d=Buffer(Kind.BLOCK, 64)), "sum"),
    "sum with a chunk": (entry("matrix_sums", v=Buffer(Kind.LOCAL, 64)), "sum"),
    "vector's tensor": (entry("vector_sums", total=-1), "vector sum"),
    "vector's columns": (entry("vector_sums", size=-1), "place"),
    "vector of a row": (entry("vector_sums", d=Buffer(Kind.ROW, 64)), "sum"),
}


def refuse(program: Program, spoil: Callable[[Program], None], message: str) -> None:
    bad = copy.deepcopy(program)
    _native.program(bad)
    spoil(bad)
    with pytest.raises(ValueError, match=message):
        _native.program(bad)


@pytest.mark.parametrize("name", BAD)
def test_bad_programs_are_refused(name: str) -> None:
    spoil, message = BAD[name]
    refuse(programs()["forward"], spoil, message)


@pytest.mark.parametrize("name", BACKWARD)
def test_bad_programs_back_are_refused(name: str) -> None:
    spoil, message = BACKWARD[name]
    refuse(programs()["backward"], spoil, message)


RECORDS = {
    name: kind
    for name, kind in vars(records).items()
    if isinstance(kind, type) and hasattr(kind, "_fields")
}


def test_python_and_cpp_have_the_same_fields() -> None:
    ours = {name: list(kind._fields) for name, kind in RECORDS.items()}
    ours["Program"] = [field.name for field in fields(Program)]
    theirs = _native.record_fields()
    assert theirs.keys() == ours.keys()
    assert {name: sorted(names) for name, names in theirs.items()} == {
        name: sorted(names) for name, names in ours.items()
    }


def without(value: Any, record: str, field: str) -> Any:
    """A copy in which no record of that name has the field."""
    if isinstance(value, list) or type(value) is tuple:
        return [without(each, record, field) for each in value]
    own = vars(value) if isinstance(value, Program) else getattr(value, "_asdict", dict)()
    if not own:
        return value
    kept = {k: without(v, record, field) for k, v in own.items()}
    if type(value).__name__ == record:
        del kept[field]
    return SimpleNamespace(**kept)


@pytest.mark.parametrize(
    ("record", "field"),
    [(record, field) for record, names in _native.record_fields().items() for field in names],
)
def test_a_missing_field_is_named(record: str, field: str) -> None:
    # A stage is a product by this one.
    named = "Run.first" if (record, field) == ("Product", "matrix") else f"{record}.{field}"
    with pytest.raises(ValueError, match=f"{named}: the field is missing"):
        _native.program(without(programs()["backward"], record, field))


def test_bad_calls_are_refused() -> None:
    (program, numbers), _ = recorded("peephole")[0]
    own = _native.program(program)
    precision, steps, batch, tensors, lengths, threads, isa = numbers
    assert lengths

    def refused(message: str, **changes: Any) -> None:
        given = {"precision": precision, "steps": steps, "batch": batch, "tensors": tensors,
                 "lengths": lengths, "threads": threads, "isa": isa}  # fmt: skip
        with pytest.raises(ValueError, match=message):
            _native.run(own, *(given | changes).values())

    refused("negative", steps=-1)
    refused("negative", batch=-1)
    refused("too many", steps=2**62)
    refused("too many", batch=2**62)
    refused("a thread", threads=0)
    refused("precision", precision=3)
    refused("no kernels that run here for isa=abacus", isa="abacus")
    refused("tensors, got", tensors=tensors[:-4])
    refused("tensors, got", tensors=[*tensors, *tensors[:4]])
    refused("four numbers", tensors=tensors[:-1])
    refused("smaller than the program needs", steps=steps + 1, lengths=0)
    refused("smaller than the program needs", batch=batch + 1, lengths=0)
    for place in range(0, len(tensors), 4):
        for offset, value in ((0, 0), (1, -1), (2, -1), (3, tensors[place + 3] - 1), (3, -1),
                              (1, 2**62), (2, 2**62)):  # fmt: skip
            if offset in (1, 2) and value > 0 and not tensors[place + offset]:
                continue  # which of a vector is not asked for
            bad = [*tensors]
            bad[place + offset] = value
            refused("smaller than the program needs", tensors=bad)
    for bad in ([3, 7, 1, 1, 1], [8, 1, 1, 1, 1], [7, 1, 1, 1, -1], [7, 3, 1, 1, 2]):
        value = torch.tensor(bad)
        refused("lengths must lie between", lengths=value.data_ptr())


def test_bad_steps_are_refused() -> None:
    program = _native.program(compile_forward(trace(cells.RNN(), Sizes(3, 4))).program)
    good: list[Any] = [program, [0, 0, 1] * 4, [0, 1, 2], 4, 4, [0, 3, 4], []]
    for place, bad, message in [
        (1, [0, 0], "three numbers"), (2, [0, 1], "three numbers"), (5, [0, 3], "three numbers"),
        (2, [0, 9, 2], "lies outside"), (5, [0, 9, 4], "lies outside"), (6, [4], "lies outside"),
        (6, [-2], "lies outside"), (3, -1, "negative"), (4, -1, "negative"),
    ]:  # fmt: skip
        rows = [*good]
        rows[place] = bad
        with pytest.raises(ValueError, match=message):
            _native.Stream(False, 2).add(*rows)
    stream = _native.Stream(False, 2)
    with pytest.raises(ValueError, match="a step takes"):
        stream.step([])
    stream.add(*good)
    with pytest.raises(ValueError, match="the same states"):
        stream.add(*good[:5], [], [])
    with pytest.raises(ValueError, match="a step takes"):
        stream.step([0])


# Corruption

STRANGE = (-(2**63), -FAR, -2, -1, 0, 1, 2, 3, 7, 64, 10**6, 2**31, FAR, 2**63 - 1)


LISTS = [f.name for f in fields(Program) if f.name not in ("backward", "externals")]


def leaves(rows: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Paths to all numbers and kinds."""
    for place, value in enumerate(rows):
        if isinstance(value, (list, tuple)):
            yield from leaves(value, (*path, place))
        elif isinstance(value, (int, Kind)):
            yield (*path, place)


def changed(rows: Any, path: tuple[int, ...], value: Any) -> Any:
    """A copy with another value there."""
    if not path:
        return value
    parts = [changed(v, path[1:], value) if i == path[0] else v for i, v in enumerate(rows)]
    return type(rows)._make(parts) if hasattr(rows, "_make") else parts


def another(value: Any, rng: np.random.Generator) -> Any:
    """A value of the same type that is not meant."""
    if isinstance(value, Kind):
        return Kind(rng.choice(list(Kind)))
    if isinstance(value, bool):
        return not value
    if rng.random() < 0.5:
        return STRANGE[rng.integers(len(STRANGE))]
    return value + int(rng.integers(-3, 4))


@pytest.mark.parametrize("seed", range(250))
def test_a_corrupted_program_is_refused_or_stays_within_its_memory(seed: int) -> None:
    """Its memory: what it computes is anything. The run under AddressSanitizer sees to the rest."""
    rng = np.random.default_rng([seed, 11])
    name, variation = rng.choice(list(COMMON)), rng.choice(list(VARIATIONS))
    found, kept = recorded(str(name), bool(rng.random() < 0.8), str(variation))
    program, numbers = found[int(rng.integers(len(found)))]
    rows = [getattr(program, name) for name in LISTS]
    paths = list(leaves(rows))
    for _ in range(12):
        path = paths[int(rng.integers(len(paths)))]
        bad = changed(rows, path, another(reduce(getitem, path, rows), rng))
        try:
            own = _native.program(replace(program, **dict(zip(LISTS, bad, strict=True))))
            _native.run(own, *numbers)
        except (ValueError, MemoryError):
            continue
    assert kept

"""The scan on a GPU, in kernels that Triton compiles, as one opaque torch operator.

`longshort::triton_scan` runs a whole layer in one direction over time; its equations are a text
argument, so a compiled or exported model contains them. It runs any cell: `plan.py` describes what
is computed where, and `tiles.py` how values become kernels. Ragged sequences have the input
"alive". Second derivatives are those of the equations in torch operations. Triton is imported when
the first scan runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors import torch as portable
from longshort.engine.executors.common.contract import Job, Trajectory, job_of, text_of
from longshort.engine.executors.common.gradients import gradients
from longshort.engine.executors.common.observed import transformed
from longshort.engine.executors.triton.run import result_shapes, run_backward, run_forward
from longshort.engine.executors.triton.tiles import ROWWISE, SUPPORTED
from longshort.engine.graph import Graph
from longshort.engine.text import from_text

DTYPES = (torch.float32, torch.float64)
WIDEST_ROW = 32 * 1024
"""Largest width of operations along the columns, which need a whole row in one tile."""
INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on")
"""Whether Triton interprets kernels in Python, also on the CPU; it reads this when imported."""


def missing() -> str | None:
    """Return why this installation cannot have the triton executor; None if it can."""
    if find_spec("triton") is not None:
        return None
    return (
        "Triton is not installed; `pip install triton` brings what it needs for the triton executor"
    )


def refusal(
    graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool
) -> str | None:
    """Return why it cannot run a graph; None if it can."""
    del want_states
    if device.type == "cpu" and not INTERPRETED:
        return (
            "Triton's kernels run on a GPU, the tensors are on the CPU (for tests, "
            "TRITON_INTERPRET=1 in the environment runs them there, slowly)"
        )
    if device.type not in ("cpu", "cuda"):
        return f"Triton's kernels run on CUDA devices, the tensors are on {device.type}"
    if dtype not in DTYPES:
        return f"the triton executor computes in float32 and float64 so far, not in {dtype}"
    return _unsuited(graph)


def _unsuited(graph: Graph) -> str | None:
    for node in graph.nodes:
        if node.op not in SUPPORTED and node.op not in ("input", "state", "vector"):
            return f"the triton executor has no operation {node.op!r}"
        widths = [graph.nodes[i].width for i in node.inputs]
        if node.op in ROWWISE and max(widths) > WIDEST_ROW:
            return f"{node.op} runs over {max(widths)} columns, more than {WIDEST_ROW} in one tile"
    return None


def execute(job: Job) -> Trajectory:
    """Run a job."""
    job = job.with_ends().for_autograd()
    found = _scan(text_of(job.graph), *job.lists, job.marks, job.keep, job.want_states)
    names = list(job.graph.state_sizes)
    states = found[1 + len(names) : 1 + 2 * len(names)] if job.want_states else []
    return Trajectory(
        output=found[0],
        final=dict(zip(names, found[1:], strict=False)),
        states=dict(zip(names, states, strict=False)),
    )


@torch.library.custom_op("longshort::triton_scan", mutates_args=())
def _scan(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    wanted: Sequence[int],
    keep: bool,
    every_state: bool,
) -> list[Tensor]:
    tensors = (*inputs, *state, *parameters)
    return run_forward(
        job_of(from_text(graph), tensors, wanted, keep=keep, want_states=every_state)
    )


@_scan.register_fake
def _scan_shapes(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    wanted: Sequence[int],
    keep: bool,
    every_state: bool,
) -> list[Tensor]:
    tensors = (*inputs, *state, *parameters)
    job = job_of(from_text(graph), tensors, wanted, keep=keep, want_states=every_state)
    return [inputs[0].new_empty(shape) for shape in result_shapes(job)]


@torch.library.custom_op("longshort::triton_scan_backward", mutates_args=())
def _scan_backward(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    wanted: Sequence[int],
    every_state: bool,
    tape: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> list[Tensor]:
    tensors = (*inputs, *state, *parameters)
    job = job_of(from_text(graph), tensors, wanted, want_states=every_state)
    return run_backward(job, tape, gradients)


@_scan_backward.register_fake
def _scan_backward_shapes(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    wanted: Sequence[int],
    every_state: bool,
    tape: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> list[Tensor]:
    del graph, every_state, tape, gradients
    chosen = [value for value, want in zip(inputs, wanted, strict=True) if want]
    return [value.new_empty(value.shape) for value in (*chosen, *state, *parameters)]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    graph, given, state, parameters, wanted, _, every_state = inputs
    ctx.graph, ctx.wanted, ctx.every_state = graph, wanted, every_state
    ctx.results = 1 + len(state) * (2 if every_state else 1)
    ctx.ends = [len(given), len(given) + len(state)]
    ctx.ends.append(ctx.ends[-1] + len(parameters))
    ctx.save_for_backward(*given, *state, *parameters, *output[ctx.results :])
    ctx.shapes = [value.shape for value in output[: ctx.results]]
    # Missing gradients stay None: zeros would be as large as the tape.
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, incoming: list[Tensor | None]) -> tuple[Any, ...]:
    saved, incoming = list(ctx.saved_tensors), incoming[: ctx.results]
    first, second, third = ctx.ends
    if torch.is_grad_enabled() or transformed(incoming):
        found = gradients(lambda given: _equations(ctx, given), saved[:third], incoming)
    else:
        dense = [
            saved[0].new_zeros(shape) if gradient is None else gradient
            for gradient, shape in zip(incoming, ctx.shapes, strict=True)
        ]
        groups = saved[:first], saved[first:second], saved[second:third]
        rest = _scan_backward(ctx.graph, *groups, ctx.wanted, ctx.every_state, saved[third:], dense)
        found = [rest.pop(0) if want else None for want in ctx.wanted] + rest
    return None, found[:first], found[first:second], found[second:third], None, None, None


def _equations(ctx: Any, given: list[Tensor]) -> list[Tensor]:
    """Compute what the operator does, except the tape, in torch operations."""
    job = job_of(from_text(ctx.graph), given, ctx.wanted, want_states=ctx.every_state)
    found = portable.execute(job)
    every = found.states.values() if ctx.every_state else ()
    return [found.output, *found.final.values(), *every]


_scan.register_autograd(_backward, setup_context=_setup)

"""The fused scan in C++ for a job, called directly where only autograd has to know of it.

torch's dispatch of an operator written in Python takes longer than a small scan. So the operator of
`operator.py` is used only where torch.compile, export, tracing, a dispatch mode or a tensor
subclass has to see one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Job, Trajectory, text_of
from longshort.engine.executors.common.observed import observed
from longshort.engine.executors.native.operator import gradients_of, save, scan_operator
from longshort.engine.executors.native.recompute import run_forward
from longshort.engine.graph import Graph

DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def refusal(
    graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool
) -> str | None:
    """Return why it cannot run a graph; None if it can."""
    del graph, want_states
    if device.type != "cpu":
        return f"the native scan runs on the CPU, the tensors are on {device.type}"
    if dtype not in DTYPES:
        return f"the native scan computes in float32, float64 and bfloat16, not in {dtype}"
    return None


def execute(job: Job) -> Trajectory:
    """Run a job."""
    if job.lengths is not None:
        job = replace(job, lengths=job.lengths.to("cpu", torch.int64))
    job = job.for_autograd()
    tensors = job.tensors
    if observed(tensors):
        output, _, *states = scan_operator(
            text_of(job.graph),
            *job.lists,
            job.lengths,
            job.marks,
            job.keep,
            job.want_states,
            job.segment,
            job.cut,
        )
    elif job.keep:
        output, *states = _record(job, *tensors)
    else:
        output, _, *states = run_forward(job)
    names = list(job.graph.state_sizes)
    every = dict(zip(names, states[len(names) :], strict=False))
    if job.lengths is not None:
        every = {name: _frozen(value, job.lengths) for name, value in every.items()}
    return Trajectory(output, dict(zip(names, states, strict=False)), every)


def _frozen(states: Tensor, lengths: Tensor) -> Tensor:
    """Return the states with each sequence's last one repeated past its end."""
    steps = torch.arange(states.size(0), device=states.device).unsqueeze(1)
    places = torch.minimum(steps, lengths - 1).unsqueeze(-1).expand(states.shape)
    return states.gather(0, places)


class _Recorded(torch.autograd.Function):
    """The scan as autograd records it: output, final states, states of every step."""

    @staticmethod
    def forward(ctx: Any, job: Job, *tensors: Tensor) -> tuple[Tensor, ...]:
        del tensors
        output, tape, *states = run_forward(job)
        save(ctx, job, output, tape)
        return output, *states

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor | None) -> tuple[Tensor | None, ...]:
        inputs, state, parameters = gradients_of(ctx, incoming)
        return None, *inputs, *state, *parameters


_record: Callable[..., tuple[Tensor, ...]] = _Recorded.apply

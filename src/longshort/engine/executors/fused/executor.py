"""torch's own LSTM, GRU and RNN kernels, for graphs with exactly their equations.

They run one layer in one direction. First derivatives are the kernels'; higher ones are those of
the equations in torch operations, because cuDNN and oneDNN have none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from longshort.engine.executors import torch as portable
from longshort.engine.executors.common.contract import Job, Trajectory
from longshort.engine.executors.common.gradients import gradients
from longshort.engine.executors.common.observed import transformed
from longshort.engine.executors.fused.standard import kernel_of
from longshort.engine.graph import Graph

ORDER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
STATES = ("h", "c")

_remembered_kernel = lru_cache(maxsize=256)(kernel_of)


def refusal(
    graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool
) -> str | None:
    """Return why torch's kernels cannot run a graph; None if they can."""
    del device
    if torch.compiler.is_compiling():
        return "torch's own kernels are opaque to torch.compile"
    if _remembered_kernel(graph) is None:
        return "these are not the equations of torch's LSTM, GRU or RNN"
    if dtype not in (torch.float32, torch.float64):
        return f"torch's own kernels are used in float32 and float64, not in {dtype}"
    if want_states:
        return "torch's own kernels do not give the states after every step"
    return None


def execute(job: Job) -> Trajectory:
    """Run a job that was not refused."""
    names = [name for name in ORDER if name in job.parameters]
    states = [name for name in STATES if name in job.state]
    given = [job.x, *(job.state[name] for name in states)]
    given += [job.parameters[name] for name in names]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in given):
        apply: Callable[..., tuple[Tensor, ...]] = _Differentiable.apply
        found = apply(job, names, *given)
    else:
        found = _kernel(job, names, given)
    output, *final = found
    return Trajectory(output, dict(zip(states, final, strict=True)), {})


def _kernel(job: Job, names: list[str], given: list[Tensor]) -> tuple[Tensor, ...]:
    kernel = _remembered_kernel(job.graph)
    count = len(job.state)
    x, state, weights = given[0], [s.unsqueeze(0) for s in given[1 : count + 1]], given[count + 1 :]
    if x.is_cuda:
        weights = _one_block(weights)
    hidden: Any = tuple(state) if kernel == "lstm" else state[0]
    train = torch.is_grad_enabled()
    settings = ("bias_ih" in names, 1, 0.0, train, False)
    run = getattr(torch, str(kernel))
    if job.lengths is None:
        output, *final = run(x, hidden, weights, *settings, False)
        return output, *(s.squeeze(0) for s in final)
    packed = pack_padded_sequence(x, job.lengths.cpu(), enforce_sorted=False)
    sorting, unsorting = packed.sorted_indices, packed.unsorted_indices
    assert sorting is not None and unsorting is not None
    hidden = tuple(s[:, sorting] for s in state) if kernel == "lstm" else state[0][:, sorting]
    data, *final = run(packed.data, packed.batch_sizes, hidden, weights, *settings)
    output, _ = pad_packed_sequence(packed._replace(data=data), total_length=x.size(0))
    return output, *(s.squeeze(0)[unsorting] for s in final)


def _one_block(weights: list[Tensor]) -> list[Tensor]:
    """Return the weights contiguous in one block; otherwise cuDNN copies them at every call."""
    block = torch.cat([weight.reshape(-1) for weight in weights])
    pieces = torch.split(block, [weight.numel() for weight in weights])
    return [piece.view_as(weight) for piece, weight in zip(pieces, weights, strict=True)]


class _Differentiable(torch.autograd.Function):
    """The kernel with its own gradients; second derivatives are those of the equations."""

    @staticmethod
    def forward(ctx: Any, job: Job, names: list[str], *given: Tensor) -> tuple[Tensor, ...]:
        """Run the kernel, and keep its autograd graph for one backward pass."""
        ctx.job, ctx.names = job, names
        ctx.save_for_backward(*given, job.lengths)
        ctx.kept = _recorded(job, names, given)
        return tuple(tensor.detach() for tensor in ctx.kept[1])

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor | None, ...]:
        """Return gradients of x, the states and the weights."""
        *given, lengths = ctx.saved_tensors
        job, names = replace(ctx.job, lengths=lengths), ctx.names
        if torch.is_grad_enabled() or transformed(incoming):
            found = gradients(lambda given: _equations(job, names, given), given, incoming)
            return None, None, *found
        leaves, outputs = ctx.kept or _recorded(job, names, given)
        ctx.kept = None
        wanted = ctx.needs_input_grad[2:]
        chosen = [leaf for leaf, want in zip(leaves, wanted, strict=True) if want]
        rest = iter(torch.autograd.grad(outputs, chosen, incoming, allow_unused=True))
        return None, None, *(next(rest) if want else None for want in wanted)


def _recorded(
    job: Job, names: list[str], given: Sequence[Tensor]
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    leaves = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in given]
    with torch.enable_grad():
        return leaves, _kernel(job, names, leaves)


def _equations(job: Job, names: list[str], given: Sequence[Tensor]) -> tuple[Tensor, ...]:
    states = [name for name in STATES if name in job.state]
    count = len(states)
    trajectory = portable.execute(
        Job(
            plans=job.plans,
            parameters=dict(zip(names, given[count + 1 :], strict=True)),
            inputs={"x": given[0]},
            state=dict(zip(states, given[1 : count + 1], strict=True)),
            lengths=job.lengths,
            want_states=False,
        )
    )
    return trajectory.output, *(trajectory.final[name] for name in states)

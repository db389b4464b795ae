"""The fused scan in C++ as opaque torch operators: `longshort::scan` and its backward pass.

It runs a whole layer in one direction over time. The cell's equations are a text argument, so a
compiled or exported model contains them. Second derivatives are those of the equations in torch
operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors import torch as portable
from longshort.engine.executors.common.contract import Job, job_of, text_of
from longshort.engine.executors.common.gradients import gradients
from longshort.engine.executors.common.memory import hollow
from longshort.engine.executors.common.observed import observed, transformed
from longshort.engine.executors.common.segments import by_segments
from longshort.engine.executors.native.recompute import run_backward, run_forward
from longshort.engine.executors.native.run import result_shapes, working_dtype
from longshort.engine.text import from_text
from longshort.errors import TensorError


@torch.library.custom_op("longshort::scan", mutates_args=())
def scan_operator(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    wanted: Sequence[int],
    keep: bool,
    every_state: bool,
    segment: int = 0,
    cut: bool = False,
) -> list[Tensor]:
    """Return output, tape, final states, states of every step; lists are in the graph's order."""
    tensors = (*inputs, *state, *parameters)
    job = _job(graph, tensors, lengths, wanted, keep, every_state, segment, cut)
    return run_forward(job)


@scan_operator.register_fake
def _scan_shapes(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    wanted: Sequence[int],
    keep: bool,
    every_state: bool,
    segment: int = 0,
    cut: bool = False,
) -> list[Tensor]:
    tensors = (*inputs, *state, *parameters)
    job = _job(graph, tensors, lengths, wanted, keep, every_state, segment, cut)
    found = [inputs[0].new_empty(shape) for shape in result_shapes(job)]
    found[1] = found[1].to(working_dtype(job))
    return found


def _job(
    graph: str,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    wanted: Sequence[int],
    keep: bool,
    every_state: bool,
    segment: int = 0,
    cut: bool = False,
) -> Job:
    return job_of(
        from_text(graph),
        tensors,
        wanted,
        lengths=lengths,
        keep=keep,
        want_states=every_state,
        segment=segment,
        cut=cut,
    )


@torch.library.custom_op("longshort::scan_backward", mutates_args=())
def scan_backward(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    wanted: Sequence[int],
    every_state: bool,
    output: Tensor,
    tape: Tensor,
    gradients: Sequence[Tensor],
    segment: int = 0,
    cut: bool = False,
) -> list[Tensor]:
    """Return gradients of the wanted inputs, the states and the parameters."""
    tensors = (*inputs, *state, *parameters)
    job = _job(graph, tensors, lengths, wanted, True, every_state, segment, cut)
    return run_backward(job, output, tape, gradients)


@scan_backward.register_fake
def _scan_backward_shapes(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    wanted: Sequence[int],
    every_state: bool,
    output: Tensor,
    tape: Tensor,
    gradients: Sequence[Tensor],
    segment: int = 0,
    cut: bool = False,
) -> list[Tensor]:
    del graph, lengths, every_state, output, tape, gradients, segment, cut
    chosen = [value for value, want in zip(inputs, wanted, strict=True) if want]
    return [value.new_empty(value.shape) for value in (*chosen, *state, *parameters)]


def save(ctx: Any, job: Job, output: Tensor, tape: Tensor) -> None:
    """Save what `gradients_of` needs.

    torch raises an error if one of these tensors is changed until then.
    """
    ctx.job = replace(job, inputs={}, state={}, parameters={}, lengths=None)
    # With segments the output is computed anew, like all else.
    output = output.new_empty(0) if job.segment else output
    ctx.save_for_backward(*job.tensors, job.lengths, output, tape)
    # Missing gradients stay None: zeros would be as large as the tape and the states of every step.
    ctx.set_materialize_grads(False)


Gradients = tuple[list[Tensor | None], list[Tensor | None], list[Tensor | None]]


def gradients_of(ctx: Any, incoming: Sequence[Tensor | None]) -> Gradients:
    """Return gradients of the inputs, the states and the parameters, from what `save` kept.

    incoming: gradients of the output, the final states, and the states of every step. Where they
    are differentiated again or transformed, the equations are run instead of the scan.
    """
    *tensors, lengths, output, tape = ctx.saved_tensors
    kept: Job = ctx.job
    if not observed(tensors) and any(map(hollow, tensors)):
        raise TensorError(
            "backward: the memory of an input, state or weight was freed or made smaller after the "
            "forward pass; keep it until the gradients are there"
        )
    if torch.is_grad_enabled() or transformed(incoming):
        found = gradients(
            lambda values: _equations(kept.with_tensors(values, lengths)), tensors, incoming
        )
    else:
        found = _scanned(kept.with_tensors(tensors, lengths), output, tape, incoming)
    first = len(kept.graph.inputs)
    second = first + len(kept.graph.state_sizes)
    return found[:first], found[first:second], found[second:]


def _scanned(
    job: Job, output: Tensor, tape: Tensor, incoming: Sequence[Tensor | None]
) -> list[Tensor | None]:
    shapes = result_shapes(job)
    del shapes[1]
    dense = [
        tape.new_zeros(shape, dtype=output.dtype) if gradient is None else gradient
        for gradient, shape in zip(incoming, shapes, strict=True)
    ]
    marks = job.marks
    if observed(dense):
        rest: list[Tensor | None] = scan_backward(
            text_of(job.graph),
            *job.lists,
            job.lengths,
            marks,
            job.want_states,
            output,
            tape,
            dense,
            job.segment,
            job.cut,
        )
    else:
        rest = [*run_backward(job, output, tape, dense)]
    return [rest.pop(0) if want else None for want in marks] + rest


def _equations(job: Job) -> list[Tensor]:
    """Compute what the scan does, except the tape, in torch operations."""
    found = by_segments(job, portable.execute) if job.segment and job.cut else portable.execute(job)
    every = found.states.values() if job.want_states else ()
    return [found.output, *found.final.values(), *every]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    graph, given, state, parameters, *rest = inputs
    save(ctx, _job(graph, (*given, *state, *parameters), *rest), output[0], output[1])


def _backward(ctx: Any, incoming: list[Tensor | None]) -> tuple[Any, ...]:
    output, _, *states = incoming
    # torch leaves out arguments with their default, and expects as many gradients as are left.
    others = len(ctx.needs_input_grad) - 4
    return (None, *gradients_of(ctx, [output, *states]), *[None] * others)


scan_operator.register_autograd(_backward, setup_context=_setup)

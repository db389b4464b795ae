"""The fused scan in C++ on a job: called at once where nothing but autograd looks on.

torch's dispatcher takes longer over an operator written in Python than a small scan runs, so the
operator of `native_operator` is for whoever has to see one: torch.compile, export, tracing, tensor
subclasses, second derivatives. The transforms of torch.func go through the portable executor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch._C import _len_torch_dispatch_stack as observers
from torch._C._functorch import is_functorch_wrapped_tensor

from longshort.engine.executors import torch as portable
from longshort.engine.executors.contract import Job, Trajectory
from longshort.engine.executors.native_operator import dealt, scan_backward, scan_operator
from longshort.engine.executors.runner import Arguments, parameter_names, run_backward, run_forward
from longshort.engine.graph import Graph

DTYPES = (torch.float32, torch.float64, torch.bfloat16)
PLAIN = (Tensor, torch.nn.Parameter)


def refusal(
    graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool
) -> str | None:
    """Why it cannot run, or None."""
    del graph, want_states
    if device.type != "cpu":
        return f"the native scan runs on the CPU, the tensors are on {device.type}"
    if dtype not in DTYPES:
        return f"the native scan computes in float32, float64 and bfloat16, not in {dtype}"
    return None


def execute(job: Job) -> Trajectory:
    """Run a layer's scan."""
    graph = job.graph
    inputs = [job.inputs[spec.name] for spec in graph.inputs]
    state = [job.state[name] for name in graph.state_sizes]
    parameters = [job.parameters[name] for name in parameter_names(graph)]
    tensors = (*inputs, *state, *parameters)
    compiling = torch.compiler.is_compiling()
    if not compiling and any(map(is_functorch_wrapped_tensor, tensors)):
        return portable.execute(job)
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    wanted = [
        int(keep and spec.differentiable and value.requires_grad)
        for spec, value in zip(graph.inputs, inputs, strict=True)
    ]
    lengths = None if job.lengths is None else job.lengths.to("cpu", torch.int64)
    if compiling or _observed(tensors):
        text = job.plans[False].text
        found = scan_operator(
            text, inputs, state, parameters, lengths, wanted, keep, job.want_states
        )
        output, _, *states = found
    else:
        arguments = Arguments(
            graph, inputs, state, parameters, lengths, wanted, keep, job.want_states
        )
        if keep:
            output, *states = _record(job.plans[False].text, arguments, *tensors)
        else:
            output, _, *states = run_forward(arguments)
    names = list(graph.state_sizes)
    every = dict(zip(names, states[len(names) :], strict=False))
    if lengths is not None:
        every = {name: _frozen(value, lengths) for name, value in every.items()}
    return Trajectory(output, dict(zip(names, states, strict=False)), every)


def _observed(tensors: Sequence[Tensor]) -> bool:
    """Whether something else than autograd wants to see an operator."""
    return (
        observers() > 0
        or torch._C._get_tracing_state() is not None
        or any(type(t) not in PLAIN or is_functorch_wrapped_tensor(t) for t in tensors)
    )


def _frozen(states: Tensor, lengths: Tensor) -> Tensor:
    """Past a sequence's end, its last state."""
    steps = torch.arange(states.size(0)).unsqueeze(1)
    places = torch.minimum(steps, lengths - 1).unsqueeze(-1).expand(states.shape)
    return states.gather(0, places)


class _Recorded(torch.autograd.Function):
    """The scan as autograd records it: output, final states, states of every step."""

    @staticmethod
    def forward(ctx: Any, text: str, arguments: Arguments, *tensors: Tensor) -> tuple[Tensor, ...]:
        output, tape, *states = run_forward(arguments)
        ctx.text, ctx.call = text, replace(arguments, inputs=(), state=(), parameters=())
        ctx.save_for_backward(*tensors, output, tape)
        # No zeros where no gradient comes, which would be tensors for every state of every step.
        ctx.set_materialize_grads(False)
        return output, *states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, output, tape = ctx.saved_tensors
        call: Arguments = ctx.call
        first, second = len(call.graph.inputs), len(call.graph.inputs) + len(call.graph.states)
        arguments = replace(
            call, inputs=tensors[:first], state=tensors[first:second], parameters=tensors[second:]
        )
        shapes = arguments.shapes()
        del shapes[1]
        incoming = [
            output.new_zeros(shape) if gradient is None else gradient
            for gradient, shape in zip(gradients, shapes, strict=True)
        ]
        if torch.is_grad_enabled() or _observed(incoming):
            found = scan_backward(
                ctx.text,
                arguments.inputs,
                arguments.state,
                arguments.parameters,
                arguments.lengths,
                arguments.wanted,
                arguments.every_state,
                output,
                tape,
                incoming,
            )
        else:
            found = run_backward(arguments, output, tape, incoming)
        inputs, state, parameters = dealt(found, arguments.wanted, len(arguments.state))
        return None, None, *inputs, *state, *parameters


_record: Callable[..., tuple[Tensor, ...]] = _Recorded.apply

"""The fused scan in C++ as opaque torch operators: `longshort::scan` and its backward pass.

It runs a whole layer in one direction over time. What it needs to know of the cell comes as text,
so a compiled or exported model carries its equations. Second derivatives are taken of the equations
in torch operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors import torch as portable
from longshort.engine.executors.runner import Arguments, parameter_names, run_backward, run_forward
from longshort.engine.text import from_text
from longshort.engine.trace import with_ends


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
) -> list[Tensor]:
    """Output, tape, final states, states of every step; lists are in the graph's order."""
    return run_forward(
        Arguments(from_text(graph), inputs, state, parameters, lengths, wanted, keep, every_state)
    )


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
) -> list[Tensor]:
    arguments = Arguments(
        from_text(graph), inputs, state, parameters, lengths, wanted, keep, every_state
    )
    found = [inputs[0].new_empty(shape) for shape in arguments.shapes()]
    found[1] = found[1].to(arguments.working_dtype)
    return found


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
) -> list[Tensor]:
    """Gradients of the wanted inputs, the states and the parameters."""
    arguments = Arguments(
        from_text(graph), inputs, state, parameters, lengths, wanted, True, every_state
    )
    return run_backward(arguments, output, tape, gradients)


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
) -> list[Tensor]:
    del graph, lengths, every_state, output, tape, gradients
    chosen = [value for value, want in zip(inputs, wanted, strict=True) if want]
    return [value.new_empty(value.shape) for value in (*chosen, *state, *parameters)]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    graph, *tensors, lengths, wanted, _, every_state = inputs
    ctx.graph, ctx.lengths, ctx.wanted, ctx.every_state = graph, lengths, wanted, every_state
    ctx.counts = [len(group) for group in tensors]
    ctx.save_for_backward(*(t for group in tensors for t in group), output[0], output[1])
    ctx.shapes = [value.shape for value in output]
    # Otherwise a gradient of zeros would be made for the tape, the largest tensor of all.
    ctx.set_materialize_grads(False)


def _groups(ctx: Any) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
    """Saved inputs, states, parameters, and what else was saved."""
    saved, found = list(ctx.saved_tensors), []
    for count in ctx.counts:
        found.append(saved[:count])
        saved = saved[count:]
    return found[0], found[1], found[2], saved


def _backward(ctx: Any, gradients: list[Tensor | None]) -> tuple[Any, ...]:
    inputs, state, parameters, (output, tape) = _groups(ctx)
    incoming = [
        output.new_zeros(shape) if gradient is None else gradient
        for gradient, shape in zip(gradients, ctx.shapes, strict=True)
    ]
    del incoming[1]
    found = scan_backward(
        ctx.graph,
        inputs,
        state,
        parameters,
        ctx.lengths,
        ctx.wanted,
        ctx.every_state,
        output,
        tape,
        incoming,
    )
    return (None, *dealt(found, ctx.wanted, len(state)), None, None, None, None)


def dealt(
    found: Sequence[Tensor | None], wanted: Sequence[int], states: int
) -> tuple[list[Tensor | None], list[Tensor | None], list[Tensor | None]]:
    """Gradients of the inputs, None for those not wanted, of the states and of the parameters."""
    rest = list(found)
    inputs = [rest.pop(0) if want else None for want in wanted]
    return inputs, rest[:states], rest[states:]


scan_operator.register_autograd(_backward, setup_context=_setup)


def _differentiable(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    every_state: bool,
) -> list[Tensor]:
    """The same as the operator but for the tape, differentiable to any order."""
    equations = from_text(graph)
    named = {spec.name: v for spec, v in zip(equations.inputs, inputs, strict=True)}
    if lengths is not None:
        steps = torch.arange(inputs[0].size(0)).unsqueeze(1)
        named["alive"] = (steps < lengths).to(inputs[0].dtype).unsqueeze(-1)
        equations = with_ends(equations)
    found = portable.run(
        equations,
        dict(zip(parameter_names(equations), parameters, strict=True)),
        named,
        dict(zip(equations.state_sizes, state, strict=True)),
        want_states=every_state,
    )
    every = found.states.values() if every_state else ()
    return [found.output, *found.final.values(), *every]


def _setup_again(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    del output
    graph, *tensors, lengths, wanted, every_state, _, _, gradients = inputs
    ctx.graph, ctx.lengths, ctx.wanted, ctx.every_state = graph, lengths, wanted, every_state
    ctx.counts = [len(group) for group in tensors]
    ctx.save_for_backward(*(t for group in tensors for t in group), *gradients)


def _backward_again(ctx: Any, seconds: list[Tensor | None]) -> tuple[Any, ...]:
    """The gradient of the gradients, by differentiating the equations in torch twice."""
    inputs, state, parameters, gradients = _groups(ctx)
    with torch.enable_grad():
        given = [
            value if value.requires_grad else value.detach().requires_grad_()
            for value in (*inputs, *state, *parameters, *gradients)
        ]
        ends = [len(inputs), len(inputs) + len(state), len(given) - len(gradients)]
        parts = [given[: ends[0]], given[ends[0] : ends[1]], given[ends[1] : ends[2]]]
        inputs, state, parameters = parts
        results = _differentiable(
            ctx.graph, inputs, state, parameters, ctx.lengths, ctx.every_state
        )
        chosen = [v for v, want in zip(inputs, ctx.wanted, strict=True) if want]
        firsts = torch.autograd.grad(
            results,
            [*chosen, *state, *parameters],
            given[ends[2] :],
            create_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        pairs = [
            (first, second)
            for first, second in zip(firsts, seconds, strict=True)
            if second is not None and first.requires_grad
        ]
        found = torch.autograd.grad(
            [first for first, _ in pairs],
            given,
            [second for _, second in pairs],
            create_graph=torch.is_grad_enabled(),
            allow_unused=True,
        )
    split = (found[: ends[0]], found[ends[0] : ends[1]], found[ends[1] : ends[2]])
    return (None, *map(list, split), None, None, None, None, None, list(found[ends[2] :]))


scan_backward.register_autograd(_backward_again, setup_context=_setup_again)

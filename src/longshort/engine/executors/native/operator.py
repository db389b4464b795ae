"""The fused scan in C++ as opaque torch operators: `longshort::scan` and its backward pass.

It runs a whole layer in one direction over time. What it needs to know of the cell comes as text,
so a compiled or exported model carries its equations. Gradients that are differentiated again are
those of the equations in torch operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors import torch as portable
from longshort.engine.executors.contract import alive, parameter_names, text_of
from longshort.engine.executors.equations import gradients
from longshort.engine.executors.memory import hollow
from longshort.engine.executors.native.run import Arguments, run_backward, run_forward
from longshort.engine.executors.observed import observed, transformed
from longshort.engine.text import from_text
from longshort.engine.trace import with_ends
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


def save(ctx: Any, given: Arguments, output: Tensor, tape: Tensor) -> None:
    """Keep what `gradients_of` needs; torch refuses to go on if one of it is changed until then."""
    ctx.call = replace(given, inputs=(), state=(), parameters=(), lengths=None)
    ctx.save_for_backward(*given.tensors, given.lengths, output, tape)
    # No zeros where no gradient comes, which would be made for the tape and states of every step.
    ctx.set_materialize_grads(False)


Gradients = tuple[list[Tensor | None], list[Tensor | None], list[Tensor | None]]


def gradients_of(ctx: Any, incoming: Sequence[Tensor | None]) -> Gradients:
    """Of the inputs, the states and the parameters, from what `save` kept.

    `incoming`: the gradients of the output, the final states, and the states of every step. Where
    they are differentiated again or transformed, the equations are run instead of the scan.
    """
    *tensors, lengths, output, tape = ctx.saved_tensors
    call: Arguments = ctx.call
    if not observed(tensors) and any(map(hollow, tensors)):
        raise TensorError(
            "backward: the memory of an input, state or weight was freed or made smaller after the "
            "forward pass; keep it until the gradients are there"
        )
    given = call.with_tensors(tensors, lengths)
    counts = len(given.inputs), len(given.inputs) + len(given.state)
    if torch.is_grad_enabled() or transformed(incoming):
        found = gradients(
            lambda values: _equations(call.with_tensors(values, lengths)), tensors, incoming
        )
    else:
        found = _scanned(given, output, tape, incoming)
    return found[: counts[0]], found[counts[0] : counts[1]], found[counts[1] :]


def _scanned(
    given: Arguments, output: Tensor, tape: Tensor, incoming: Sequence[Tensor | None]
) -> list[Tensor | None]:
    shapes = given.shapes()
    del shapes[1]
    dense = [
        output.new_zeros(shape) if gradient is None else gradient
        for gradient, shape in zip(incoming, shapes, strict=True)
    ]
    if observed(dense):
        rest: list[Tensor | None] = scan_backward(
            text_of(given.graph),
            given.inputs,
            given.state,
            given.parameters,
            given.lengths,
            given.wanted,
            given.every_state,
            output,
            tape,
            dense,
        )
    else:
        rest = [*run_backward(given, output, tape, dense)]
    return [rest.pop(0) if want else None for want in given.wanted] + rest


def _equations(given: Arguments) -> list[Tensor]:
    """The same as the scan but for the tape, in torch operations."""
    graph, x = given.graph, given.inputs[0]
    inputs = {spec.name: v for spec, v in zip(graph.inputs, given.inputs, strict=True)}
    if given.lengths is not None:
        inside = alive(x.size(0), given.lengths, x.device)
        inputs["alive"] = inside.to(x.dtype).unsqueeze(-1)
        graph = with_ends(graph)
    found = portable.run(
        graph,
        dict(zip(parameter_names(graph), given.parameters, strict=True)),
        inputs,
        dict(zip(graph.state_sizes, given.state, strict=True)),
        want_states=given.every_state,
    )
    every = found.states.values() if given.every_state else ()
    return [found.output, *found.final.values(), *every]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    graph, *given = inputs
    save(ctx, Arguments(from_text(graph), *given), output[0], output[1])


def _backward(ctx: Any, incoming: list[Tensor | None]) -> tuple[Any, ...]:
    output, _, *states = incoming
    return (None, *gradients_of(ctx, [output, *states]), None, None, None, None)


scan_operator.register_autograd(_backward, setup_context=_setup)

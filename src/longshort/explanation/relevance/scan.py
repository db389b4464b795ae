"""A scan that gives the same output, and whose gradient is the share of relevance."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Job, Tensors, Trajectory
from longshort.engine.executors.common.plan import plan
from longshort.engine.executors.torch import Values, every_value
from longshort.engine.scan import Traced, Turn, execute, scan
from longshort.engine.trace import with_ends
from longshort.errors import ConfigError
from longshort.explanation.relevance.linearised import ONE, Linearised, linearised


def relevant_scan(
    one: Tensor,
    traced: Traced,
    parameters: Tensors,
    x: Tensor,
    state: Tensors,
    *,
    initial: Tensors | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    training: bool = False,
    reverse: bool = False,
    want_states: bool = False,
    backend: str = "auto",
    checkpoint: int = 0,
    truncate: int = 0,
) -> Trajectory:
    """Run one layer in one direction, as `engine.scan.scan` does, with all values kept.

    Its gradient times x is the relevance of x, that times `one` [1] the relevance of constants.
    """
    del initial, training, want_states, backend, checkpoint, truncate
    if reset is not None:
        raise ConfigError("lrp: sequences that restart in the middle have no rule; use ig")
    turn = Turn(x.size(0), lengths) if reverse else None
    x = x if turn is None else turn(x)
    values = values_of(traced, parameters, x.detach(), _plain(state), lengths)
    found = linearised(traced.graph)
    inputs = {"x": _counted(x, one), **side_inputs(found, values, x, one)}
    live = {name: _counted(state[name], one) for name in found.graph.state_sizes}
    plans = {False: plan(found.graph), True: plan(with_ends(found.graph))}
    chosen = {name: parameters[name].detach() for name in found.graph.matrices}
    run = execute(Job(plans, chosen, inputs, live, lengths))
    output = run.output if turn is None else turn(run.output)
    final = {name: run.final.get(name, state[name]) for name in state}
    return Trajectory(output, final, {})


def side_inputs(found: Linearised, values: Values, x: Tensor, one: Tensor) -> Tensors:
    """Return all inputs of linearised equations but x: gates and slopes as they were."""
    inputs = {}
    for spec in found.graph.inputs:
        if spec.name == ONE:
            inputs[ONE] = one.to(x).expand(x.size(1), 1)
        elif spec.name in found.given:
            inputs[spec.name] = _shaped(found.given[spec.name](values), x, spec.per_sequence)
    return inputs


def values_of(
    traced: Traced, parameters: Tensors, x: Tensor, state: Tensors, lengths: Tensor | None
) -> Values:
    """Return every value of the equations at every step, by node; see `every_value`."""
    with torch.no_grad():
        run = scan(traced, parameters, x, state, lengths=lengths, want_states=True)
        before = {
            name: torch.cat([state[name][None], values[:-1]]) for name, values in run.states.items()
        }
        return every_value(traced.graph, parameters, {"x": x}, before)


def _counted(value: Tensor, one: Tensor) -> Tensor:
    """Return an input or a first state; what does not depend on the row counts as a constant."""
    return value if value.requires_grad else value * one.to(value)


def _plain(state: Tensors) -> Tensors:
    return {name: value.detach() for name, value in state.items()}


def _shaped(values: Tensor, x: Tensor, per_sequence: bool) -> Tensor:
    """Return values as an input: [B, W], or [T, B, W]."""
    shape = (x.size(1), values.size(-1)) if per_sequence else (*x.shape[:2], values.size(-1))
    return values.expand(shape).contiguous()

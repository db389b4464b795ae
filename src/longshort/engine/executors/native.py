"""The fused scan in C++, as one opaque torch operator with its own backward pass.

`longshort::scan` runs a whole layer in one direction over time. What it needs to know of the cell
comes as text, so a compiled or exported model carries its equations. Second derivatives go through
the portable executor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from longshort.engine.compile import Compiled, compile_forward, compile_training
from longshort.engine.encode import encode
from longshort.engine.executors import torch as portable
from longshort.engine.executors.contract import Job, Tensors, Trajectory
from longshort.engine.executors.vectors import evaluate
from longshort.engine.graph import Graph, Level
from longshort.engine.program import Program
from longshort.engine.text import from_text, to_text

DTYPES = (torch.float32, torch.float64)


def refusal(
    graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool
) -> str | None:
    """Why it cannot run, or None."""
    del graph, want_states
    if device.type != "cpu":
        return f"the native scan runs on the CPU, the tensors are on {device.type}"
    if dtype not in DTYPES:
        return f"the native scan computes in float32 and float64, not in {dtype}"
    return None


def execute(job: Job) -> Trajectory:
    """Run a layer's scan."""
    graph = job.graph
    inputs = [job.inputs[spec.name] for spec in graph.inputs]
    state = [job.state[name] for name in graph.state_sizes]
    parameters = [job.parameters[name] for name in _parameter_names(graph)]
    needs = torch.is_grad_enabled() and any(
        t.requires_grad for t in (*inputs, *state, *parameters)
    )
    wanted = [
        int(needs and spec.differentiable and value.requires_grad)
        for spec, value in zip(graph.inputs, inputs, strict=True)
    ]
    lengths = None if job.lengths is None else job.lengths.to("cpu", torch.int64)
    found = torch.ops.longshort.scan(
        to_text(graph), inputs, state, parameters, lengths, wanted, needs, job.want_states
    )
    names = list(graph.state_sizes)
    final = found[2 : 2 + len(names)]
    states = dict(zip(names, found[2 + len(names) :], strict=False))
    if lengths is not None:
        states = {name: _frozen(value, lengths) for name, value in states.items()}
    return Trajectory(found[0], dict(zip(names, final, strict=True)), states)


def _frozen(states: Tensor, lengths: Tensor) -> Tensor:
    """Past a sequence's end, its last state."""
    steps = torch.arange(states.size(0)).unsqueeze(1)
    places = torch.minimum(steps, lengths - 1).unsqueeze(-1).expand(states.shape)
    return states.gather(0, places)


def _parameter_names(graph: Graph) -> list[str]:
    return [*graph.matrices, *graph.vectors]


class _Order:
    """Sequences sorted by falling length, and back."""

    def __init__(self, lengths: Tensor | None) -> None:
        self.lengths, self.order = lengths, None
        if lengths is not None and bool((lengths[1:] > lengths[:-1]).any()):
            self.lengths, self.order = lengths.sort(descending=True, stable=True)

    def sort(self, value: Tensor, dimension: int) -> Tensor:
        return value if self.order is None else value.index_select(dimension, self.order)

    def back(self, value: Tensor, dimension: int) -> Tensor:
        if self.order is None:
            return value
        return value.index_select(dimension, self.order.argsort())


def _dense(value: Tensor) -> Tensor:
    """With the last dimension dense, as the native code reads rows."""
    return value if value.size(-1) == 1 or value.stride(-1) == 1 else value.contiguous()


def _run(
    program: Program, tensors: Tensors, steps: int, batch: int, lengths: Tensor | None
) -> None:
    from longshort import _native

    numbers: list[int] = []
    is_double = False
    for name in program.externals:
        value = tensors[name]
        strides = value.stride()
        is_double = value.dtype == torch.float64
        reach = 1 + sum((n - 1) * s for n, s in zip(value.shape, strides, strict=True))
        time = strides[0] if value.dim() == 3 else 0
        rows = strides[-2] if value.dim() > 1 else 0
        numbers += (value.data_ptr(), time, rows, reach if value.numel() else 0)
    _native.run(
        encode(program),
        is_double,
        steps,
        batch,
        numbers,
        0 if lengths is None else lengths.data_ptr(),
        torch.get_num_threads(),
    )


@dataclass(frozen=True)
class _Given:
    """What a scan was given, sorted by length and by name."""

    compiled: Compiled
    tensors: Tensors
    parameters: Tensors
    steps: int
    batch: int
    order: _Order

    @property
    def graph(self) -> Graph:
        return self.compiled.schedule.graph

    def like(self) -> Tensor:
        return self.tensors["input:x"]

    def add_values(self, program: Program) -> None:
        """The vectors that a program reads, computed from the parameters."""
        wanted = {int(n.split(":")[1]) for n in program.externals if n.startswith("value:")}
        nodes = self.compiled.schedule.nodes
        values = evaluate(nodes, sorted(wanted), self.parameters, [], self.like())
        self.tensors.update({f"value:{i}": values[i].contiguous() for i in wanted})


def _given(
    compiled: Compiled,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
) -> _Given:
    graph = compiled.schedule.graph
    order = _Order(lengths)
    tensors: Tensors = {}
    for spec, value in zip(graph.inputs, inputs, strict=True):
        tensors[f"input:{spec.name}"] = _dense(order.sort(value, 0 if spec.per_sequence else 1))
    for name, value in zip(graph.state_sizes, state, strict=True):
        tensors[f"state:{name}"] = _dense(order.sort(value, 0))
    named = dict(zip(_parameter_names(graph), parameters, strict=True))
    for name in graph.matrices:
        tensors[f"matrix:{name}"] = _dense(named[name])
    steps, batch = inputs[0].shape[:2]
    given = _Given(compiled, tensors, named, steps, batch, order)
    return given


@torch.library.custom_op("longshort::scan", mutates_args=())
def _scan(
    graph: str,
    inputs: Sequence[Tensor],
    state: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    wanted: Sequence[int],
    keep: bool,
    every_state: bool,
) -> list[Tensor]:
    """Output [T, B, P], tape [T, B, ·], final states [B, W], and states of every step [T, B, W]."""
    compiled = _compiled(from_text(graph), wanted, keep, every_state)
    given = _given(compiled, inputs, state, parameters, lengths)
    x, tape = given.like(), compiled.tape
    shape = (given.steps, given.batch)
    new = x.new_empty if lengths is None else x.new_zeros
    tensors = given.tensors
    tensors["output"] = new((*shape, tape.output_size))
    tensors["tape"] = x.new_empty((tape.ring or given.steps, given.batch, tape.width))
    sizes = given.graph.state_sizes
    tensors.update({f"final:{n}": x.new_empty((given.batch, w)) for n, w in sizes.items()})
    given.add_values(compiled.forward)
    _run(compiled.forward, tensors, *shape, given.order.lengths)
    back = given.order.back
    output = back(tensors["output"], 1)
    found = [output, tensors["tape"], *(back(tensors[f"final:{name}"], 0) for name in sizes)]
    if every_state:
        found += [back(_state_of_every_step(compiled, tensors, name), 1) for name in sizes]
    return found


def _compiled(graph: Graph, wanted: Sequence[int], keep: bool, every_state: bool) -> Compiled:
    if not keep and not every_state:
        return compile_forward(graph)
    names = tuple(spec.name for spec, want in zip(graph.inputs, wanted, strict=True) if want)
    return compile_training(graph, names, every_state)


def _state_of_every_step(compiled: Compiled, tensors: Tensors, name: str) -> Tensor:
    index = compiled.schedule.states[name]
    if index == compiled.tape.output:
        return tensors["output"].clone()
    column, width = compiled.tape.columns[index]
    return tensors["tape"][..., column : column + width].clone()


@_scan.register_fake
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
    del state, parameters, lengths
    compiled = _compiled(from_text(graph), wanted, keep, every_state)
    x, tape = inputs[0], compiled.tape
    steps, batch = x.shape[:2]
    sizes = compiled.schedule.graph.state_sizes.values()
    found = [x.new_empty((steps, batch, tape.output_size))]
    found.append(x.new_empty((tape.ring or steps, batch, tape.width)))
    found += [x.new_empty((batch, width)) for width in sizes]
    if every_state:
        found += [x.new_empty((steps, batch, width)) for width in sizes]
    return found


@torch.library.custom_op("longshort::scan_backward", mutates_args=())
def _scan_backward(
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
    compiled = _compiled(from_text(graph), wanted, True, every_state)
    given = _given(compiled, inputs, state, parameters, lengths)
    tensors, x = given.tensors, given.like()
    assert compiled.backward is not None and compiled.derived is not None
    sort = given.order.sort
    names = list(given.graph.state_sizes)
    tensors |= {"output": sort(output, 1), "tape": tape}
    tensors["gradient:output"] = _dense(sort(gradients[0], 1))
    for name, value in zip(names, gradients[1:], strict=False):
        tensors[f"gradient:final:{name}"] = _dense(sort(value, 0))
    for name, value in zip(names, gradients[1 + len(names) :], strict=False):
        tensors[f"gradient:states:{name}"] = _dense(sort(value, 1))
    _add_results(given)
    given.add_values(compiled.backward)
    _run(compiled.backward, tensors, given.steps, given.batch, given.order.lengths)
    return _results(given)


def _wanted_inputs(given: _Given) -> list[str]:
    assert given.compiled.schedule_back is not None
    return list(given.compiled.schedule_back.inputs)


def _add_results(given: _Given) -> None:
    compiled, x, tensors = given.compiled, given.like(), given.tensors
    back = compiled.schedule_back
    assert back is not None
    for name, width in given.graph.state_sizes.items():
        tensors[f"ring:{name}"] = x.new_empty((2, given.batch, width))
        tensors[f"gradient:state:{name}"] = x.new_empty((given.batch, width))
    for name in given.graph.matrices:
        matrix = given.parameters[name]
        tensors[f"gradient:matrix:{name}"] = torch.zeros_like(
            matrix, memory_format=torch.contiguous_format
        )
    for k, index in enumerate(back.gathered):
        tensors[f"sum:{k}"] = x.new_zeros(compiled.schedule.nodes[index].width)
    new = x.new_empty if given.order.lengths is None else x.new_zeros
    for spec in given.graph.inputs:
        if spec.name in back.inputs:
            shape = (given.steps, given.batch, spec.width)
            tensors[f"gradient:input:{spec.name}"] = new(shape)


def _results(given: _Given) -> list[Tensor]:
    back, derived, tensors = given.compiled.schedule_back, given.compiled.derived, given.tensors
    assert back is not None and derived is not None
    sums = [tensors[f"sum:{k}"] for k in back.gathered_places]
    targets = list(derived.vectors.values())
    vectors = evaluate(derived.nodes, targets, given.parameters, sums, given.like())
    unsort = given.order.back
    found = []
    for spec in given.graph.inputs:
        if spec.name in back.inputs:
            value = tensors[f"gradient:input:{spec.name}"]
            found.append(unsort(value.sum(0), 0) if spec.per_sequence else unsort(value, 1))
    found += [unsort(tensors[f"gradient:state:{n}"], 0) for n in given.graph.state_sizes]
    found += [tensors[f"gradient:matrix:{n}"] for n in given.graph.matrices]
    for name, width in given.graph.vectors.items():
        found.append(vectors[derived.vectors[name]].expand(width).clone())
    return found


@_scan_backward.register_fake
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


def _setup(ctx: object, inputs: tuple[object, ...], output: list[Tensor]) -> None:
    del ctx, inputs, output


del portable, Level

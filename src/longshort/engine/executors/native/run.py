"""A compiled scan on torch tensors, run by the native module: forward, and back from its tape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from longshort import _native
from longshort.engine.executors.contract import Tensors, parameter_names
from longshort.engine.executors.native.compile import (
    Backward,
    Compiled,
    compile_forward,
    compile_training,
)
from longshort.engine.executors.native.encode import encode
from longshort.engine.executors.native.program import Program
from longshort.engine.executors.native.threads import share_with_torch
from longshort.engine.executors.vectors import Values, evaluate, parameter_gradients
from longshort.engine.graph import Graph

share_with_torch()

PRECISIONS = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2}
"""What the native module calls them; the last has float32 tensors and bfloat16 products."""


LARGE = 16 << 20
"""Bytes from which on memory is given back to the system when it is freed, more or less."""


@dataclass(frozen=True)
class Arguments:
    """What a scan is given: tensors in the order in which the graph names them."""

    graph: Graph
    inputs: Sequence[Tensor]
    state: Sequence[Tensor]
    parameters: Sequence[Tensor]
    lengths: Tensor | None
    wanted: Sequence[int]
    """Of each input, whether its gradient will be asked for."""
    keep: bool
    """Whether a backward pass will follow."""
    every_state: bool
    """Whether the states of every step are asked for."""
    isa: str | None = None
    """Instruction set; None: the best of this machine."""

    @property
    def dtype(self) -> torch.dtype:
        """Of what was given and of what comes back, but for the tape."""
        return self.inputs[0].dtype

    @property
    def working_dtype(self) -> torch.dtype:
        """What is computed in: for bfloat16 float32, where only matrix products are narrower."""
        return torch.float32 if self.dtype == torch.bfloat16 else self.dtype

    @property
    def tensors(self) -> list[Tensor]:
        """Inputs, states and parameters."""
        return [*self.inputs, *self.state, *self.parameters]

    def with_tensors(self, tensors: Sequence[Tensor], lengths: Tensor | None) -> Arguments:
        """The same with other tensors, in the order of `tensors`."""
        first = len(self.graph.inputs)
        second = first + len(self.graph.states)
        return replace(
            self,
            inputs=tensors[:first],
            state=tensors[first:second],
            parameters=tensors[second:],
            lengths=lengths,
        )

    def compiled(self) -> Compiled:
        """The programs for this."""
        if not self.keep and not self.every_state:
            return compile_forward(self.graph)
        chosen = zip(self.graph.inputs, self.wanted, strict=True)
        names = tuple(spec.name for spec, want in chosen if want)
        return compile_training(self.graph, names, self.every_state)

    def shapes(self) -> list[tuple[int, ...]]:
        """Of what a forward pass gives: output, tape, final states, states of every step."""
        tape = self.compiled().tape
        steps, batch = self.inputs[0].shape[:2]
        sizes = self.graph.state_sizes.values()
        found: list[tuple[int, ...]] = [(steps, batch, tape.output_size)]
        found.append((tape.ring or steps, batch, tape.width))
        found += [(batch, width) for width in sizes]
        if self.every_state:
            found += [(steps, batch, width) for width in sizes]
        return found


class _Order:
    """Sequences sorted by falling length, and back."""

    def __init__(self, lengths: Tensor | None, batch: int) -> None:
        self.order = None
        if lengths is not None:
            # Native code reads them in a row from an address.
            lengths = lengths.to(torch.int64).expand(batch).contiguous()
            if bool((lengths[1:] > lengths[:-1]).any()):
                lengths, self.order = lengths.sort(descending=True, stable=True)
        self.lengths = lengths

    def sort(self, value: Tensor, dimension: int) -> Tensor:
        return value if self.order is None else value.index_select(dimension, self.order)

    def back(self, value: Tensor, dimension: int) -> Tensor:
        if self.order is None:
            return value
        return value.index_select(dimension, self.order.argsort())


def _as(value: Tensor, dtype: torch.dtype) -> Tensor:
    """`Tensor.to`, without the call where there is nothing to do."""
    return value if value.dtype == dtype else value.to(dtype)


def _fresh(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Memory that a scan is about to write. What is large comes fresh from the system each time."""
    found = like.new_empty(shape)
    if found.nbytes >= LARGE:
        _native.prefer_large_pages(found.data_ptr(), found.nbytes)
    return found


def _dense(value: Tensor) -> Tensor:
    """As the native code reads rows: the last dimension dense, and no change of sign pending."""
    if value.is_neg():
        value = value.resolve_neg()
    return value if value.size(-1) == 1 or value.stride(-1) == 1 else value.contiguous()


@dataclass(frozen=True)
class _Given:
    """What a scan was given, sorted by length and by name."""

    compiled: Compiled
    tensors: Tensors
    parameters: Tensors
    steps: int
    batch: int
    order: _Order
    dtype: torch.dtype
    isa: str | None

    @property
    def graph(self) -> Graph:
        return self.compiled.schedule.graph

    def like(self) -> Tensor:
        return self.tensors["input:x"]

    def add_values(self, values: Values) -> None:
        """The vectors that a program reads, computed from the parameters."""
        found = evaluate(values, self.parameters, [], self.like())
        for index, value in zip(values.targets, found, strict=True):
            self.tensors[f"value:{index}"] = _dense(value)

    def back(self) -> Backward:
        """The compiled way back."""
        assert self.compiled.backward is not None
        return self.compiled.backward


def _address(value: Tensor) -> tuple[int, int, int, int]:
    """Where a tensor lies, its strides over time and rows, and how many elements it reaches over.

    All in elements but the first.
    """
    shape, strides = value.shape, value.stride()
    if value.is_contiguous():
        reach = value.numel()
    else:
        reach = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        reach = reach if value.numel() else 0
    dimensions = len(shape)
    return (
        value.data_ptr(),
        strides[0] if dimensions == 3 else 0,
        strides[-2] if dimensions > 1 else 0,
        reach,
    )


def _run(given: _Given, program: Program) -> None:
    tensors, lengths = given.tensors, given.order.lengths
    numbers: list[int] = []
    for name in program.externals:
        numbers += _address(tensors[name])
    _native.run(
        encode(program),
        PRECISIONS[given.dtype],
        given.steps,
        given.batch,
        numbers,
        0 if lengths is None else lengths.data_ptr(),
        torch.get_num_threads(),
        given.isa,
    )


def _given(arguments: Arguments) -> _Given:
    graph, dtype = arguments.graph, arguments.working_dtype
    steps, batch = arguments.inputs[0].shape[:2]
    order = _Order(arguments.lengths, batch)
    tensors: Tensors = {}
    for spec, value in zip(graph.inputs, arguments.inputs, strict=True):
        rows = order.sort(_as(value, dtype), 0 if spec.per_sequence else 1)
        tensors[f"input:{spec.name}"] = _dense(rows)
    for name, value in zip(graph.state_sizes, arguments.state, strict=True):
        tensors[f"state:{name}"] = _dense(order.sort(_as(value, dtype), 0))
    weights = [_as(value, dtype) for value in arguments.parameters]
    named = dict(zip(parameter_names(graph), weights, strict=True))
    for name in graph.matrices:
        tensors[f"matrix:{name}"] = _dense(named[name])
    return _Given(
        arguments.compiled(), tensors, named, steps, batch, order, arguments.dtype, arguments.isa
    )


def run_forward(arguments: Arguments) -> list[Tensor]:
    """Output [T, B, P], tape [T, B, ·], final states [B, W], and states of every step [T, B, W]."""
    given = _given(arguments)
    compiled, tensors, x = given.compiled, given.tensors, given.like()
    output, tape = arguments.shapes()[:2]
    tensors["output"] = _fresh(x, output) if arguments.lengths is None else x.new_zeros(output)
    tensors["tape"] = _fresh(x, tape)
    sizes = given.graph.state_sizes
    tensors.update({f"final:{n}": x.new_empty((given.batch, w)) for n, w in sizes.items()})
    given.add_values(compiled.values)
    _run(given, compiled.program)
    back = given.order.back
    found = [back(tensors["output"], 1), tensors["tape"]]
    found += [back(tensors[f"final:{name}"], 0) for name in sizes]
    if arguments.every_state:
        found += [back(_state_of_every_step(given, name), 1) for name in sizes]
    return [value if i == 1 else _as(value, given.dtype) for i, value in enumerate(found)]


def _state_of_every_step(given: _Given, name: str) -> Tensor:
    compiled = given.compiled
    index = compiled.schedule.states[name]
    if index == compiled.tape.output:
        return given.tensors["output"].clone()
    column, width = compiled.tape.columns[index]
    return given.tensors["tape"][..., column : column + width].clone()


def run_backward(
    arguments: Arguments, output: Tensor, tape: Tensor, gradients: Sequence[Tensor]
) -> list[Tensor]:
    """Gradients of the wanted inputs, the states and the parameters.

    `gradients`: of the output, the final states, and, where asked for, the states of every step.
    """
    given = _given(arguments)
    tensors = given.tensors
    sort = given.order.sort
    names = list(given.graph.state_sizes)
    wide = [_as(value, arguments.working_dtype) for value in (output, *gradients)]
    output, gradients = wide[0], wide[1:]
    tensors |= {"output": sort(output, 1), "tape": tape}
    tensors["gradient:output"] = _dense(sort(gradients[0], 1))
    for name, value in zip(names, gradients[1:], strict=False):
        tensors[f"gradient:final:{name}"] = _dense(sort(value, 0))
    for name, value in zip(names, gradients[1 + len(names) :], strict=False):
        tensors[f"gradient:states:{name}"] = _dense(sort(value, 1))
    _add_results(given)
    given.add_values(given.back().values)
    _run(given, given.back().program)
    return _results(given)


def _add_results(given: _Given) -> None:
    compiled, x, tensors = given.compiled, given.like(), given.tensors
    back = given.back().schedule
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
    for spec in given.graph.inputs:
        if spec.name in back.inputs:
            shape = (given.steps, given.batch, spec.width)
            ragged = given.order.lengths is not None
            tensors[f"gradient:input:{spec.name}"] = (
                x.new_zeros(shape) if ragged else _fresh(x, shape)
            )


def _results(given: _Given) -> list[Tensor]:
    back, tensors = given.back().schedule, given.tensors
    sums = [tensors[f"sum:{k}"] for k in back.gathered_places]
    matrices = {name: tensors[f"gradient:matrix:{name}"] for name in given.graph.matrices}
    vectors = parameter_gradients(
        given.back().derived, given.back().results, given.parameters, sums, matrices, given.like()
    )
    unsort = given.order.back
    found = []
    for spec in given.graph.inputs:
        if spec.name in back.inputs:
            value = tensors[f"gradient:input:{spec.name}"]
            found.append(unsort(value.sum(0), 0) if spec.per_sequence else unsort(value, 1))
    found += [unsort(tensors[f"gradient:state:{n}"], 0) for n in given.graph.state_sizes]
    found += [*matrices.values(), *vectors]
    return [_as(value, given.dtype) for value in found]

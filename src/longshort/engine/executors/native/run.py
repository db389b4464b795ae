"""Forward and backward pass of a compiled scan on torch tensors, by the native module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longshort import _native
from longshort.engine.executors.common.contract import Job, Tensors
from longshort.engine.executors.common.vectors import Values, evaluate, parameter_gradients
from longshort.engine.executors.native.compile import (
    Backward,
    Compiled,
    compile_forward,
    compile_training,
)
from longshort.engine.executors.native.encode import encode
from longshort.engine.executors.native.program import Program
from longshort.engine.executors.native.threads import share_with_torch

share_with_torch()

PRECISIONS = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2}
"""Numbers of dtypes in the native module; bfloat16: float32 tensors with bfloat16 products."""


LARGE = 16 << 20
"""Approximate size in bytes from which freed memory is returned to the system."""


def compiled(job: Job) -> Compiled:
    """Return the compiled programs of a job."""
    if not job.keep and not job.want_states:
        return compile_forward(job.graph)
    return compile_training(job.graph, job.wanted, job.want_states)


def working_dtype(job: Job) -> torch.dtype:
    """Return the dtype of the computation: for bfloat16, all but matrix products is float32."""
    return torch.float32 if job.x.dtype == torch.bfloat16 else job.x.dtype


def result_shapes(job: Job) -> list[tuple[int, ...]]:
    """Return the shapes of a forward pass: output, tape, final states, states of every step.

    With segments the states at their borders are in the tape's place.
    """
    tape = compiled(job).tape
    steps, batch = job.x.shape[:2]
    sizes = job.graph.state_sizes.values()
    found: list[tuple[int, ...]] = [(steps, batch, tape.output_size)]
    if job.segment:
        found.append((len(segments_of(job)) - 1, batch, sum(sizes)))
    else:
        found.append((tape.ring or steps, batch, tape.width))
    found += [(batch, width) for width in sizes]
    if job.want_states:
        found += [(steps, batch, width) for width in sizes]
    return found


def segments_of(job: Job) -> list[tuple[int, int]]:
    """Return the job's segments, in which sums have the same order as over the whole scan."""
    return job.segments(_native.gradient_steps(max(1, job.x.size(1))))


class _Order:
    """Sorts sequences by decreasing length, and restores their order."""

    def __init__(self, lengths: Tensor | None, batch: int) -> None:
        self.order = None
        if lengths is not None:
            # Native code reads them as an array at an address.
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


def cast(value: Tensor, dtype: torch.dtype) -> Tensor:
    """Return `value.to(dtype)`, without the call where nothing has to be done."""
    return value if value.dtype == dtype else value.to(dtype)


def fresh(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Return uninitialised memory, in large pages where it comes from the system."""
    found = like.new_empty(shape)
    if found.nbytes >= LARGE:
        _native.prefer_large_pages(found.data_ptr(), found.nbytes)
    return found


def dense(value: Tensor) -> Tensor:
    """Return the tensor with a dense last dimension and no pending negation, for native code."""
    if value.is_neg():
        value = value.resolve_neg()
    return value if value.size(-1) == 1 or value.stride(-1) == 1 else value.contiguous()


class Memory:
    """The tensors that a program reads and writes, by the program's names.

    Sequences are sorted by decreasing length, rows are dense, and all have the dtype of the
    computation.
    """

    def __init__(self, job: Job) -> None:
        self.job, self.compiled = job, compiled(job)
        self.steps, self.batch = job.x.shape[:2]
        self.order = _Order(job.lengths, self.batch)
        dtype, graph = working_dtype(job), job.graph
        self.parameters = {name: cast(value, dtype) for name, value in job.parameters.items()}
        self.tensors: Tensors = {}
        for spec in graph.inputs:
            rows = self.order.sort(
                cast(job.inputs[spec.name], dtype), 0 if spec.per_sequence else 1
            )
            self.tensors[f"input:{spec.name}"] = dense(rows)
        for name in graph.state_sizes:
            rows = self.order.sort(cast(job.state[name], dtype), 0)
            self.tensors[f"state:{name}"] = dense(rows)
        for name in graph.matrices:
            self.tensors[f"matrix:{name}"] = dense(self.parameters[name])

    @property
    def like(self) -> Tensor:
        """A tensor with the dtype of the computation."""
        return self.tensors["input:x"]

    def add_values(self, values: Values) -> None:
        """Add the vectors that a program reads, computed from the parameters."""
        found = evaluate(values, self.parameters, [], self.like)
        for index, value in zip(values.targets, found, strict=True):
            self.tensors[f"value:{index}"] = dense(value)

    @property
    def backward(self) -> Backward:
        """The compiled backward pass."""
        assert self.compiled.backward is not None
        return self.compiled.backward


def _address(value: Tensor, size: int) -> tuple[int, int, int, int]:
    """Return a tensor's address, strides over time and rows, and extent.

    The last three are in numbers of `size` bytes, those of the computation.
    """
    shape, strides = value.shape, value.stride()
    if value.is_contiguous():
        reach = value.nbytes // size
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


def run(memory: Memory, program: Program, isa: str | None) -> None:
    """Run a program on the memory's tensors."""
    lengths = memory.order.lengths
    run_part(memory, program, memory.tensors, memory.steps, lengths, isa)


def run_part(
    memory: Memory,
    program: Program,
    tensors: Tensors,
    steps: int,
    lengths: Tensor | None,
    isa: str | None,
) -> None:
    """Run a program on tensors that hold a part of the memory's steps; lengths: steps in it."""
    numbers: list[int] = []
    size = memory.like.itemsize
    for name in program.externals:
        numbers += _address(tensors[name], size)
    _native.run(
        encode(program),
        PRECISIONS[memory.job.x.dtype],
        steps,
        memory.batch,
        numbers,
        0 if lengths is None else lengths.data_ptr(),
        torch.get_num_threads(),
        isa,
    )


def run_forward(job: Job, isa: str | None = None) -> list[Tensor]:
    """Run a forward pass.

    Returns output [T, B, P], tape [T, B, ·], final states [B, W], and states of every step [T, B,
    W].

    isa: the instruction set; by default the best of this machine.
    """
    memory = Memory(job)
    tensors, x, sizes = memory.tensors, memory.like, job.graph.state_sizes
    output, tape = result_shapes(job)[:2]
    tensors["output"] = fresh(x, output) if job.lengths is None else x.new_zeros(output)
    tensors["tape"] = fresh(x, tape)
    tensors.update({f"final:{n}": x.new_empty((memory.batch, w)) for n, w in sizes.items()})
    memory.add_values(memory.compiled.values)
    run(memory, memory.compiled.program, isa)
    back = memory.order.back
    found = [back(tensors["output"], 1), tensors["tape"]]
    found += [back(tensors[f"final:{name}"], 0) for name in sizes]
    if job.want_states:
        found += [back(state_of_every_step(memory, tensors, name).clone(), 1) for name in sizes]
    return [value if i == 1 else cast(value, job.x.dtype) for i, value in enumerate(found)]


def state_of_every_step(memory: Memory, tensors: Tensors, name: str) -> Tensor:
    """Return the states [T, B, W] in the output or tape that a forward program wrote, as a view."""
    compiled = memory.compiled
    index = compiled.schedule.states[name]
    if index == compiled.tape.output:
        return tensors["output"]
    column, width = compiled.tape.columns[index]
    return tensors["tape"][..., column : column + width]


def run_backward(
    job: Job, output: Tensor, tape: Tensor, gradients: Sequence[Tensor], isa: str | None = None
) -> list[Tensor]:
    """Return gradients of the wanted inputs, the states and the parameters.

    gradients: of the output, the final states, and, where asked for, the states of every step.
    """
    memory = Memory(job)
    output = memory.order.sort(cast(output, working_dtype(job)), 1)
    memory.tensors |= {"output": output, "tape": tape}
    add_gradients(memory, gradients)
    add_results(memory)
    memory.add_values(memory.backward.values)
    run(memory, memory.backward.program, isa)
    return results(memory)


def add_gradients(memory: Memory, gradients: Sequence[Tensor]) -> None:
    """Add the gradients of the results, which a backward program reads."""
    tensors, sort = memory.tensors, memory.order.sort
    names = list(memory.job.graph.state_sizes)
    gradients = [cast(value, working_dtype(memory.job)) for value in gradients]
    tensors["gradient:output"] = dense(sort(gradients[0], 1))
    for name, value in zip(names, gradients[1:], strict=False):
        tensors[f"gradient:final:{name}"] = dense(sort(value, 0))
    for name, value in zip(names, gradients[1 + len(names) :], strict=False):
        tensors[f"gradient:states:{name}"] = dense(sort(value, 1))


def add_results(memory: Memory) -> None:
    """Add what a backward program writes or adds to."""
    x, tensors, graph = memory.like, memory.tensors, memory.job.graph
    back, nodes = memory.backward.schedule, memory.compiled.schedule.nodes
    for name, width in graph.state_sizes.items():
        tensors[f"ring:{name}"] = x.new_empty((2, memory.batch, width))
        tensors[f"gradient:state:{name}"] = x.new_empty((memory.batch, width))
    for name in graph.matrices:
        tensors[f"gradient:matrix:{name}"] = torch.zeros_like(
            memory.parameters[name], memory_format=torch.contiguous_format
        )
    for k, index in enumerate(back.gathered):
        tensors[f"sum:{k}"] = x.new_zeros(nodes[index].width, dtype=torch.float64)
    for spec in graph.inputs:
        if spec.name in back.inputs:
            shape = (memory.steps, memory.batch, spec.width)
            ragged = memory.order.lengths is not None
            tensors[f"gradient:input:{spec.name}"] = (
                x.new_zeros(shape) if ragged else fresh(x, shape)
            )


def results(memory: Memory) -> list[Tensor]:
    """Return what `run_backward` does, once the backward program has run."""
    tensors, graph, backward = memory.tensors, memory.job.graph, memory.backward
    like = memory.like.dtype
    sums = [cast(tensors[f"sum:{k}"], like) for k in backward.schedule.gathered_places]
    matrices = {name: tensors[f"gradient:matrix:{name}"] for name in graph.matrices}
    vectors = parameter_gradients(
        backward.derived, backward.results, memory.parameters, sums, matrices, memory.like
    )
    unsort = memory.order.back
    found = []
    for spec in graph.inputs:
        if spec.name in backward.schedule.inputs:
            value = tensors[f"gradient:input:{spec.name}"]
            found.append(unsort(value.sum(0), 0) if spec.per_sequence else unsort(value, 1))
    found += [unsort(tensors[f"gradient:state:{n}"], 0) for n in graph.state_sizes]
    found += [*matrices.values(), *vectors]
    return [cast(value, memory.job.x.dtype) for value in found]

"""Forward and backward pass that keep the states at the borders of segments only.

The backward pass goes through the segments from the last to the first and computes the values of
each anew (Chen et al., 2016, "Training deep nets with sublinear memory cost"). It keeps the tape of
one segment instead of that of all steps, for one more forward pass. Segments begin where the native
backward pass adds to the gradients anyway, and all segments add to the same tensors, so the
gradients have the bits that a backward pass over all steps gives.

Where gradients are cut, none passes from a segment to the one before it, as in truncated
backpropagation through time (Williams & Peng, 1990); segments that no gradient reaches are left
out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from longshort.engine.executors.common.contract import Job, Tensors
from longshort.engine.executors.native import run as whole
from longshort.engine.executors.native.run import (
    Memory,
    add_gradients,
    add_results,
    cast,
    fresh,
    result_shapes,
    results,
    run_part,
    segments_of,
    state_of_every_step,
)


def run_forward(job: Job) -> list[Tensor]:
    """Run a forward pass; returns as `run.run_forward`, without segments or with them.

    With segments, the second result holds the states at their borders [S - 1, B, W], side by side.
    """
    if not job.segment:
        return whole.run_forward(job)
    return _Forward(Memory(job)).run()


def run_backward(
    job: Job, output: Tensor, tape: Tensor, gradients: Sequence[Tensor]
) -> list[Tensor]:
    """Run a backward pass; arguments and results as in `run.run_backward`.

    With segments, `output` is not read, and `tape` holds the states at their borders.
    """
    if not job.segment:
        return whole.run_backward(job, output, tape, gradients)
    memory = Memory(job)
    add_gradients(memory, gradients)
    add_results(memory)
    memory.add_values(memory.compiled.values)
    memory.add_values(memory.backward.values)
    _Backward(memory, tape).run()
    return results(memory)


@dataclass(frozen=True)
class _Part:
    """A segment: its steps, and the length of each sequence within it."""

    begin: int
    end: int
    lengths: Tensor | None

    @property
    def steps(self) -> int:
        return self.end - self.begin


def _parts(memory: Memory) -> list[_Part]:
    lengths = memory.order.lengths
    return [
        _Part(a, b, None if lengths is None else (lengths - a).clamp(0, b - a))
        for a, b in segments_of(memory.job)
    ]


def _within(memory: Memory, part: _Part) -> Tensors:
    """Return the memory's tensors, those over time cut to the steps of a segment."""
    return {
        name: value[part.begin : part.end] if _is_timed(name, value) else value
        for name, value in memory.tensors.items()
    }


def _is_timed(name: str, value: Tensor) -> bool:
    return value.dim() == 3 and not name.startswith("ring:")


class _Tape:
    """Tape and output of one segment, in memory that all segments share."""

    def __init__(self, memory: Memory, parts: Sequence[_Part]) -> None:
        tape, like = memory.compiled.tape, memory.like
        most, self.batch = max(part.steps for part in parts), memory.batch
        self.tape = fresh(like, (most, self.batch, tape.width))
        self.output = fresh(like, (most, self.batch, tape.output_size))

    def of(self, part: _Part) -> Tensors:
        """Return the memory of a segment; a sequence's output is 0 past its end."""
        output = self.output[: part.steps]
        if part.lengths is not None:
            output.zero_()
        return {"tape": self.tape[: part.steps], "output": output}


def _split(memory: Memory, borders: Tensor) -> Tensors:
    """Return the states [B, W] by name that lie side by side in a row of `borders`."""
    sizes = memory.job.graph.state_sizes
    found, begin = {}, 0
    for name, width in sizes.items():
        found[name] = borders[:, begin : begin + width]
        begin += width
    return found


def _named(prefix: str, states: Tensors) -> Tensors:
    return {f"{prefix}:{name}": value for name, value in states.items()}


class _Forward:
    """A forward pass by segments."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.job = memory, memory.job
        self.parts = _parts(memory)
        memory.add_values(memory.compiled.values)

    def run(self) -> list[Tensor]:
        """Return the results in the order of `result_shapes`."""
        memory, like = self.memory, self.memory.like
        output, borders, *rest = (like.new_empty(shape) for shape in result_shapes(self.job))
        final = dict(zip(self.job.graph.state_sizes, rest, strict=False))
        every = dict(zip(final, rest[len(final) :], strict=False))
        tape = _Tape(memory, self.parts)
        state: Tensors = {}
        for k, part in enumerate(self.parts):
            after = _split(memory, borders[k]) if k < len(borders) else final
            tensors = _within(memory, part) | state | tape.of(part) | _named("final", after)
            run_part(memory, memory.compiled.program, tensors, part.steps, part.lengths, None)
            output[part.begin : part.end] = tensors["output"]
            for name, value in every.items():
                value[part.begin : part.end] = state_of_every_step(memory, tensors, name)
            state = _named("state", after)
        back, dtype = memory.order.back, self.job.x.dtype
        found = [back(output, 1), borders, *(back(value, 0) for value in final.values())]
        found += [back(value, 1) for value in every.values()]
        return [value if i == 1 else cast(value, dtype) for i, value in enumerate(found)]


class _Backward:
    """A backward pass by segments, from the last one; `borders` as the forward pass kept them."""

    def __init__(self, memory: Memory, borders: Tensor) -> None:
        self.memory, self.job, self.borders = memory, memory.job, borders
        self.parts = _parts(memory)
        self.tape = _Tape(memory, self.parts)

    def run(self) -> None:
        """Add the gradients of all segments to the memory's tensors."""
        memory, names = self.memory, list(self.job.graph.state_sizes)
        incoming = {name: memory.tensors[f"gradient:final:{name}"] for name in names}
        for k, part in reversed(list(enumerate(self.parts))):
            tensors = _within(memory, part) | _named("gradient:final", incoming)
            if self.job.cut and not any(bool(value.any()) for value in _given(tensors)):
                self._pass_nothing(tensors, incoming)
            else:
                tensors |= self._recomputed(k, part, tensors)
                program = memory.backward.program
                run_part(memory, program, tensors, part.steps, part.lengths, None)
            incoming = {name: tensors[f"gradient:state:{name}"].clone() for name in names}
            if self.job.cut and k:
                for value in incoming.values():
                    value[: _alive(part)] = 0

    def _recomputed(self, k: int, part: _Part, tensors: Tensors) -> Tensors:
        """Run the forward pass of a segment; returns its tape, output and first states."""
        memory = self.memory
        mine = self.tape.of(part)
        if k:
            mine |= _named("state", _split(memory, self.borders[k - 1]))
        sizes = self.job.graph.state_sizes.items()
        after = {name: memory.like.new_empty(memory.batch, width) for name, width in sizes}
        given = tensors | mine | _named("final", after)
        run_part(memory, memory.compiled.program, given, part.steps, part.lengths, None)
        return mine | self._rounded(k, mine)

    def _rounded(self, k: int, mine: Tensors) -> Tensors:
        """Return output and first states as a backward pass over all steps reads them.

        There a state that is the output too is read from the output, which has the input's dtype.
        """
        schedule, dtype = self.memory.compiled.schedule, self.job.x.dtype
        if dtype == self.memory.like.dtype:
            return {}
        names = [n for n, index in schedule.states.items() if k and index == schedule.output]
        chosen = ["output", *(f"state:{name}" for name in names)]
        return {name: mine[name].to(dtype).to(mine[name].dtype) for name in chosen}

    def _pass_nothing(self, tensors: Tensors, incoming: Tensors) -> None:
        """Set the gradients of a segment that no gradient reaches."""
        for name in self.memory.backward.schedule.inputs:
            tensors[f"gradient:input:{name}"].zero_()
        for name, value in incoming.items():
            tensors[f"gradient:state:{name}"].copy_(value)


def _given(tensors: Tensors) -> Iterator[Tensor]:
    """Return the gradients that reach a segment from outside of it."""
    return (
        value
        for name, value in tensors.items()
        if name.startswith(("gradient:output", "gradient:final:", "gradient:states:"))
    )


def _alive(part: _Part) -> int | None:
    """Return how many sequences have a step in the segment, the first ones; None: all."""
    return None if part.lengths is None else int((part.lengths > 0).sum())

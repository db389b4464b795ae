"""A planned scan, run on torch tensors: kernels by Triton, products by torch.

The source of the kernels is written to a file in a temporary folder of this process (removed when
it ends), because Triton reads the source of a function from its file; Triton itself keeps compiled
kernels by their source in its own cache, so they are compiled once on a machine. On CUDA the steps
of a loop that is no single kernel are recorded once and replayed, see `record.py`.
"""

from __future__ import annotations

import atexit
import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors.contract import Tensors, parameter_names
from longshort.engine.executors.triton.arrange import Multiply, Pass, Stage, tensors_of
from longshort.engine.executors.triton.plan import Backward, Compiled, compile_scan, held_numbers
from longshort.engine.executors.triton.record import LOCK, Recording, recall, records
from longshort.engine.executors.triton.source import Launch
from longshort.engine.executors.triton.tiles import Place
from longshort.engine.executors.vectors import Values, evaluate, parameter_gradients
from longshort.engine.graph import Graph

TILE = 1024
"""Numbers in a tile of a pointwise kernel."""
SEQUENCES = 16
"""Sequences of a program that goes through time by itself: the smallest tile of a matrix unit."""
WARPS = 8
"""Warps of such a program; with 4 of them four gates of 64 units spill registers to memory."""


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="longshort-triton-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@lru_cache(maxsize=256)
def load_kernels(source: str) -> Any:
    """A module of kernels."""
    path = _folder() / f"kernels_{len(list(_folder().glob('*.py')))}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Arguments:
    """What a scan is given: tensors in the order in which the graph names them."""

    graph: Graph
    """With the input "alive" where sequences end early."""
    inputs: Sequence[Tensor]
    state: Sequence[Tensor]
    parameters: Sequence[Tensor]
    wanted: Sequence[int]
    """Of each input, whether its gradient will be asked for."""
    keep: bool
    """Whether a backward pass will follow."""
    every_state: bool
    """Whether the states of every step are asked for."""

    @property
    def steps(self) -> int:
        """T."""
        return self.inputs[0].size(0)

    @property
    def batch(self) -> int:
        """B."""
        return self.inputs[0].size(1)

    @cached_property
    def compiled(self) -> Compiled:
        """The plan for this."""
        real = str(self.inputs[0].dtype).removeprefix("torch.")
        limit = held_numbers(_shared_memory(self.inputs[0].device))
        if real != "float32":
            limit = 0
        if not self.keep:
            return compile_scan(self.graph, None, False, real, limit)
        chosen = zip(self.graph.inputs, self.wanted, strict=True)
        names = tuple(spec.name for spec, want in chosen if want)
        return compile_scan(self.graph, names, self.every_state, real, limit)

    @property
    def named_parameters(self) -> Tensors:
        """Parameters by name."""
        return dict(zip(parameter_names(self.graph), self.parameters, strict=True))

    def shape(self, buffers: dict[str, tuple[int, int]], name: str) -> tuple[int, int, int]:
        """Of a tensor that a pass fills."""
        extra, width = buffers[name]
        return self.steps + extra, self.batch, width

    def shapes(self) -> list[tuple[int, ...]]:
        """Of what a forward pass gives: output, final states, states of every step, tape."""
        compiled = self.compiled
        sizes = self.graph.state_sizes.values()
        buffers = compiled.forward.buffers
        found: list[tuple[int, ...]] = [self.shape(buffers, "output")]
        found += [(self.batch, width) for width in sizes]
        if self.every_state:
            found += [(self.steps, self.batch, width) for width in sizes]
        return found + [self.shape(buffers, name) for name in compiled.tape]

    def tensors(self) -> Tensors:
        """What both passes read, by the plan's names."""
        graph = self.graph
        found = {
            f"input:{spec.name}": value.contiguous()
            for spec, value in zip(graph.inputs, self.inputs, strict=True)
        }
        named = self.named_parameters
        return found | {f"matrix:{name}": named[name].contiguous() for name in graph.matrices}


def _precision() -> str:
    """How kernels multiply float32 matrices: as torch does by its own setting."""
    return "ieee" if torch.get_float32_matmul_precision() == "highest" else "tf32"


@lru_cache(maxsize=16)
def _shared_memory(device: torch.device) -> int:
    """Bytes that a program may share between its threads; a CPU only plays a GPU."""
    if device.type != "cuda":
        return 1 << 20
    known = torch.cuda.get_device_properties(device)
    return int(getattr(known, "shared_memory_per_block_optin", 48 * 1024))


class _Runner:
    """Runs the stages of one pass; `tensors` by the plan's names."""

    def __init__(self, arguments: Arguments, tensors: Tensors) -> None:
        self.compiled, self.tensors = arguments.compiled, tensors
        self.steps, self.batch = arguments.steps, arguments.batch
        self.kernels = load_kernels(self.compiled.source)
        self.precision = _precision()

    def everywhere(self, stages: Sequence[Stage]) -> None:
        """Compute for all steps at once."""
        for stage in stages:
            self._run(stage, None)

    def loop(self, stages: Sequence[Stage], backward: bool) -> None:
        """Compute step by step."""
        match stages:
            case [Launch(whole_loop=True) as launch]:
                self._launch_loop(launch)
                return
        steps = range(self.steps)
        for t in reversed(steps) if backward else steps:
            for stage in stages:
                self._run(stage, t)

    def _run(self, stage: Stage, t: int | None) -> None:
        if isinstance(stage, Multiply):
            self._multiply(stage, t)
        else:
            self._launch(stage, t)

    def rows(self, place: Place, t: int | None, width: int) -> Tensor:
        """Columns of a tensor, of one step [B, W] or of all of them [T B, W]."""
        whole = self.tensors[place.buffer]
        if t is None:
            rows = whole[place.shift : place.shift + self.steps].flatten(0, 1)
        else:
            rows = whole[t + place.shift]
        return rows[:, place.column : place.column + width]

    def _multiply(self, stage: Multiply, t: int | None) -> None:
        matrix = self.tensors[f"matrix:{stage.matrix}"][stage.span[0] : stage.span[1]]
        if not stage.transposed:
            matrix = matrix.T
        rows, columns = matrix.shape
        source, target = self.rows(stage.source, t, rows), self.rows(stage.target, t, columns)
        if stage.add is None:
            torch.mm(source, matrix, out=target)
        elif stage.add == "there":
            target.addmm_(source, matrix)
        else:
            torch.addmm(self.tensors[stage.add], source, matrix, out=target)

    def _launch(self, launch: Launch, t: int | None) -> None:
        rows = self.batch * (self.steps if t is None else 1)
        if rows == 0:
            return
        block = max(1, TILE // launch.block)
        given = [self.tensors[name] for name in launch.tensors]
        kernel = getattr(self.kernels, launch.name)
        grid = (-(-rows // block), launch.tiles)
        constants = {"BLOCK_B": block, "BLOCK_C": launch.block}
        kernel[grid](t or 0, self.batch, rows, *given, **constants, enable_fp_fusion=True)

    def _launch_loop(self, launch: Launch) -> None:
        given = [self.tensors[name] for name in launch.tensors]
        kernel = getattr(self.kernels, launch.name)
        grid = (-(-self.batch // SEQUENCES),)
        numbers = (self.steps, self.batch, self.batch)
        constants = {"BLOCK_B": SEQUENCES, "PRECISION": self.precision}
        kernel[grid](*numbers, *given, **constants, num_warps=WARPS, enable_fp_fusion=True)


def _run_pass(
    arguments: Arguments,
    tensors: Tensors,
    part: Pass,
    vectors: Values,
    starts: Tensors,
    backward: bool,
) -> None:
    """Run a pass on `tensors`, to which it adds what it fills.

    `starts` [B, W] are the first rows of their tensors (backwards the last ones).
    """
    like = arguments.inputs[0]
    found = evaluate(vectors, arguments.named_parameters, [], like)
    for index, value in zip(vectors.targets, found, strict=True):
        tensors[f"vector:{index}"] = value.contiguous()

    def make(names: Iterable[str]) -> Tensors:
        return {n: like.new_empty(arguments.shape(part.buffers, n)) for n in names}

    def loop(using: Tensors) -> None:
        _Runner(arguments, using).loop(part.loop, backward)

    def whole(loop: Callable[[Tensors], None]) -> None:
        for name, value in starts.items():
            tensors[name][-1 if backward else 0].copy_(value)
        runner = _Runner(arguments, tensors)
        runner.everywhere(part.before)
        loop(tensors)
        runner.everywhere(part.after)

    if part.persistent or not records(like):
        tensors.update(make(part.buffers))
        whole(loop)
        return
    inside = starts.keys() | {name for stage in part.loop for name in tensors_of(stage)}
    key = (arguments.compiled, backward, arguments.steps, arguments.batch, _precision())

    def new() -> Recording:
        given = {n: tensors[n].clone() for n in inside if n not in part.buffers}
        return Recording(make(n for n in part.buffers if n in inside), given)

    with LOCK:
        recording = recall(key, like, new)
        tensors.update(recording.filled)
        tensors.update(make(n for n in part.buffers if n not in inside))
        whole(lambda tensors: recording.run(tensors, loop))
        tensors.update(recording.copies())


# Whole passes


def _on_device_of(tensor: Tensor) -> AbstractContextManager[object]:
    """Triton launches on the current device."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def run_forward(arguments: Arguments) -> list[Tensor]:
    """Output [T, B, P], final states [B, W], states of every step [T, B, W], and the tape."""
    compiled, tensors = arguments.compiled, arguments.tensors()
    names = list(arguments.graph.state_sizes)
    starts = {f"states:{n}": value for n, value in zip(names, arguments.state, strict=True)}
    with _on_device_of(arguments.inputs[0]):
        _run_pass(arguments, tensors, compiled.forward, compiled.vectors, starts, backward=False)
    found = [tensors["output"], *(tensors[f"states:{name}"][-1].clone() for name in names)]
    if arguments.every_state:
        found += [tensors[f"states:{name}"][1:].clone() for name in names]
    return found + [tensors[name] for name in compiled.tape]


def run_backward(
    arguments: Arguments, tape: Sequence[Tensor], gradients: Sequence[Tensor]
) -> list[Tensor]:
    """Gradients of the wanted inputs, the states and the parameters.

    `gradients`: of the output, the final states, and, where asked for, the states of every step.
    """
    compiled, tensors = arguments.compiled, arguments.tensors()
    names = list(arguments.graph.state_sizes)
    tensors |= dict(zip(compiled.tape, tape, strict=True))
    tensors["gradient:output"] = gradients[0].contiguous()
    finals, every = gradients[1 : 1 + len(names)], gradients[1 + len(names) :]
    starts = {f"back:{name}": value for name, value in zip(names, finals, strict=True)}
    for name, value in zip(names, every, strict=False):
        tensors[f"every:{name}"] = value.contiguous()
    back = compiled.backward
    assert back is not None
    with _on_device_of(arguments.inputs[0]):
        _run_pass(arguments, tensors, back.part, back.vectors, starts, backward=True)
        return _results(arguments, tensors, back)


def _results(arguments: Arguments, tensors: Tensors, back: Backward) -> list[Tensor]:
    graph, like = arguments.graph, arguments.inputs[0]
    nodes, runner = arguments.compiled.schedule.nodes, _Runner(arguments, tensors)

    def rows(index: int) -> Tensor:
        return runner.rows(back.part.places[index], None, nodes[index].width)

    found = []
    for spec in graph.inputs:
        if spec.name in back.schedule.inputs:
            value = tensors[f"gradient:input:{spec.name}"]
            found.append(value.sum(0) if spec.per_sequence else value)
    found += [tensors[f"back:{name}"][0].clone() for name in graph.state_sizes]
    matrices = {name: like.new_zeros(shape) for name, shape in graph.matrices.items()}
    for m in back.schedule.matrices:
        matrices[m.matrix][m.span[0] : m.span[1]].addmm_(rows(m.d).T, rows(m.v))
    totals = [rows(index).sum(0) for index in back.schedule.gathered]
    sums = [totals[k] for k in back.schedule.gathered_places]
    vectors = parameter_gradients(
        back.derived, back.results, arguments.named_parameters, sums, matrices, like
    )
    return [*found, *matrices.values(), *vectors]

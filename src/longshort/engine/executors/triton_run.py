"""A planned scan, run on torch tensors: kernels by Triton, products by torch.

The source of the kernels is written to a file in a temporary folder of this process (removed when
it ends), because Triton reads the source of a function from its file; Triton itself keeps compiled
kernels by their source in its own cache, so they are compiled once on a machine. On CUDA the steps
of a loop that is no single kernel are recorded once and replayed, see `_Recording`.
"""

from __future__ import annotations

import atexit
import importlib.util
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longshort.engine.compile import Values
from longshort.engine.executors.contract import Tensors
from longshort.engine.executors.triton_plan import (
    Backward,
    Compiled,
    Multiply,
    Pass,
    Stage,
    compile_scan,
    tensors_of,
)
from longshort.engine.executors.triton_source import Launch
from longshort.engine.executors.triton_tiles import Place
from longshort.engine.executors.vectors import evaluate
from longshort.engine.graph import Graph

TILE = 1024
"""Numbers in a tile of a pointwise kernel."""
SEQUENCES = 16
"""Sequences of a program that goes through time by itself: the smallest tile of a matrix unit."""
RECORDINGS = 8
"""Loops that are kept recorded; each keeps its tensors."""


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="longshort-triton-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@lru_cache(maxsize=256)
def _kernels(source: str) -> Any:
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
        if not self.keep:
            return compile_scan(self.graph, None, False, real)
        chosen = zip(self.graph.inputs, self.wanted, strict=True)
        names = tuple(spec.name for spec, want in chosen if want)
        return compile_scan(self.graph, names, self.every_state, real)

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


def parameter_names(graph: Graph) -> list[str]:
    """The order in which parameters are given."""
    return [*graph.matrices, *graph.vectors]


def _precision() -> str:
    """How kernels multiply float32 matrices: as torch does by its own setting."""
    return "ieee" if torch.get_float32_matmul_precision() == "highest" else "tf32"


class _Runner:
    """Runs the stages of one pass; `tensors` by the plan's names."""

    def __init__(self, arguments: Arguments, tensors: Tensors) -> None:
        self.compiled, self.tensors = arguments.compiled, tensors
        self.steps, self.batch = arguments.steps, arguments.batch
        self.kernels = _kernels(self.compiled.source)
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
        block = max(1, TILE // launch.block)
        given = [self.tensors[name] for name in launch.tensors]
        kernel = getattr(self.kernels, launch.name)
        grid = (-(-rows // block), launch.tiles)
        kernel[grid](t or 0, self.batch, rows, *given, BLOCK_B=block, BLOCK_C=launch.block)

    def _launch_loop(self, launch: Launch) -> None:
        given = [self.tensors[name] for name in launch.tensors]
        kernel = getattr(self.kernels, launch.name)
        grid = (-(-self.batch // SEQUENCES),)
        numbers = (self.steps, self.batch, self.batch)
        kernel[grid](*numbers, *given, BLOCK_B=SEQUENCES, PRECISION=self.precision)


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

    def make(name: str) -> Tensor:
        return like.new_empty(arguments.shape(part.buffers, name))

    if _records(like, part):
        with _RECORDER:
            inside = starts.keys() | {name for stage in part.loop for name in tensors_of(stage)}
            recording = _recording(arguments, tensors, part, make, inside, backward)
            recording.begin(tensors, starts, backward)
            tensors.update({n: make(n) for n in part.buffers if n not in recording.filled})
            runner = _Runner(arguments, tensors)
            runner.everywhere(part.before)
            recording.run(arguments, part, backward)
            runner.everywhere(part.after)
            recording.release(tensors)
        return
    tensors.update({name: make(name) for name in part.buffers})
    for name, value in starts.items():
        tensors[name][-1 if backward else 0].copy_(value)
    runner = _Runner(arguments, tensors)
    runner.everywhere(part.before)
    runner.loop(part.loop, backward)
    runner.everywhere(part.after)


# The loop as a recording


_RECORDER = threading.RLock()
_RECORDED: OrderedDict[tuple[object, ...], _Recording] = OrderedDict()


def _records(like: Tensor, part: Pass) -> bool:
    """Whether the loop's steps are recorded and replayed."""
    return like.is_cuda and not part.persistent and not torch.cuda.is_current_stream_capturing()


class _Recording:
    """The launches of a loop, recorded by CUDA and replayed by one call.

    What is recorded are addresses. So the tensors that the loop uses are kept: what it is given is
    copied into them before, and what lasts is copied out of them after. The first call with some
    sizes runs plainly, which also compiles the kernels; the second one records.
    """

    def __init__(self, filled: Tensors, given: Tensors) -> None:
        self.filled, self.given = filled, given
        self.calls = 0
        self.replay: Callable[[], None] | None = None

    def begin(self, tensors: Tensors, starts: Tensors, backward: bool) -> None:
        """Copy in what the loop is given, and make its tensors those of the pass."""
        for name, kept in self.given.items():
            kept.copy_(tensors[name])
        tensors.update(self.filled)
        for name, value in starts.items():
            tensors[name][-1 if backward else 0].copy_(value)

    def run(self, arguments: Arguments, part: Pass, backward: bool) -> None:
        """The loop: plainly, recorded, or replayed."""
        self.calls += 1
        runner = _Runner(arguments, self.given | self.filled)
        if self.calls == 1:
            runner.loop(part.loop, backward)
            return
        if self.replay is None:
            self.replay = record(lambda: runner.loop(part.loop, backward))
        self.replay()

    def release(self, tensors: Tensors) -> None:
        """Copies of the kept tensors, which the next call will fill anew."""
        tensors.update({name: value.clone() for name, value in self.filled.items()})


def record(work: Callable[[], None]) -> Callable[[], None]:
    """What repeats the kernels that `work` launches, without launching them one by one."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


def _recording(
    arguments: Arguments,
    tensors: Tensors,
    part: Pass,
    make: Callable[[str], Tensor],
    inside: set[str],
    backward: bool,
) -> _Recording:
    like = arguments.inputs[0]
    stream = torch.cuda.current_stream(like.device).cuda_stream if like.is_cuda else 0
    sizes = (arguments.steps, arguments.batch)
    key = (arguments.compiled, backward, *sizes, like.device, stream, _precision())
    if key not in _RECORDED:
        _RECORDED[key] = _Recording(
            filled={name: make(name) for name in part.buffers if name in inside},
            given={n: tensors[n].clone() for n in inside if n not in part.buffers},
        )
    _RECORDED.move_to_end(key)
    while len(_RECORDED) > RECORDINGS:
        _RECORDED.popitem(last=False)
    return _RECORDED[key]


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
    found += matrices.values()
    totals = [rows(index).sum(0) for index in back.schedule.gathered]
    sums = [totals[k] for k in back.schedule.gathered_places]
    vectors = evaluate(back.results, arguments.named_parameters, sums, like)
    widths = graph.vectors.values()
    return found + [v.expand(width).clone() for v, width in zip(vectors, widths, strict=True)]

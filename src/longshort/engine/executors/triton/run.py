"""Execution of a planned scan on torch tensors: kernels by Triton, products by torch.

The source of the kernels is written to a file in a temporary folder of this process (removed when
it ends), because Triton reads a function's source from its file. Triton caches compiled kernels by
their source, so they are compiled once per machine. On CUDA the steps of a loop that is not a
single kernel are recorded once and replayed, see `record.py`.
"""

from __future__ import annotations

import atexit
import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Job, Tensors
from longshort.engine.executors.common.values import Values
from longshort.engine.executors.common.vectors import evaluate, parameter_gradients
from longshort.engine.executors.triton.arrange import Multiply, Pass, Stage, tensors_of
from longshort.engine.executors.triton.plan import Backward, Compiled, compile_scan, held_numbers
from longshort.engine.executors.triton.record import LOCK, Recording, recall, records
from longshort.engine.executors.triton.source import Launch
from longshort.engine.executors.triton.tiles import Place

TILE = 1024
"""Elements in a tile of a pointwise kernel."""
SEQUENCES = 16
"""Sequences per program of a whole-loop kernel: the smallest tile of a matrix unit."""
WARPS = 8
"""Warps of a whole-loop kernel; with 4 of them four gates of 64 units spill registers."""


@lru_cache(maxsize=1)
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="longshort-triton-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@lru_cache(maxsize=256)
def load_kernels(source: str) -> Any:
    """Return a module of kernels."""
    path = _folder() / f"kernels_{len(list(_folder().glob('*.py')))}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(job: Job) -> Compiled:
    """Return the plan of a job whose graph has the input "alive" where sequences end early."""
    real = str(job.x.dtype).removeprefix("torch.")
    limit = held_numbers(_shared_memory(job.x.device)) if real == "float32" else 0
    if not job.keep:
        return compile_scan(job.graph, None, False, real, limit)
    return compile_scan(job.graph, job.wanted, job.want_states, real, limit)


def _shape(job: Job, buffers: dict[str, tuple[int, int]], name: str) -> tuple[int, int, int]:
    """Return the shape of a tensor that a pass fills."""
    extra, width = buffers[name]
    steps, batch = job.x.shape[:2]
    return steps + extra, batch, width


def result_shapes(job: Job) -> list[tuple[int, ...]]:
    """Return the shapes of a forward pass: output, final states, states of every step, tape."""
    plan, (steps, batch) = compiled(job), job.x.shape[:2]
    sizes, buffers = job.graph.state_sizes.values(), plan.forward.buffers
    found: list[tuple[int, ...]] = [_shape(job, buffers, "output")]
    found += [(batch, width) for width in sizes]
    if job.want_states:
        found += [(steps, batch, width) for width in sizes]
    return found + [_shape(job, buffers, name) for name in plan.tape]


def _read_by_both(job: Job) -> Tensors:
    """Return the tensors that both passes read, by the plan's names."""
    graph = job.graph
    found = {f"input:{spec.name}": job.inputs[spec.name].contiguous() for spec in graph.inputs}
    matrices = {f"matrix:{name}": job.parameters[name].contiguous() for name in graph.matrices}
    return found | matrices


def _precision() -> str:
    """Return the precision of float32 products in kernels: that of torch's own setting."""
    return "ieee" if torch.get_float32_matmul_precision() == "highest" else "tf32"


@lru_cache(maxsize=16)
def _shared_memory(device: torch.device) -> int:
    """Return the bytes of shared memory per program; in the interpreter there is no limit."""
    if device.type != "cuda":
        return 1 << 20
    known = torch.cuda.get_device_properties(device)
    return int(getattr(known, "shared_memory_per_block_optin", 48 * 1024))


class _Runner:
    """Runs the stages of one pass; `tensors` have the plan's names."""

    def __init__(self, job: Job, tensors: Tensors) -> None:
        self.tensors = tensors
        self.steps, self.batch = job.x.shape[:2]
        self.kernels = load_kernels(compiled(job).source)
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
        """Return columns of a tensor, of one step [B, W] or of all steps [T B, W]."""
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
    job: Job, tensors: Tensors, part: Pass, vectors: Values, starts: Tensors, backward: bool
) -> None:
    """Run a pass on `tensors`, and add to them what it fills.

    starts [B, W]: the first rows of their tensors (in the backward pass the last ones).
    """
    like = job.x
    found = evaluate(vectors, job.parameters, [], like)
    for index, value in zip(vectors.targets, found, strict=True):
        tensors[f"vector:{index}"] = value.contiguous()

    def make(names: Iterable[str]) -> Tensors:
        return {n: like.new_empty(_shape(job, part.buffers, n)) for n in names}

    def loop(using: Tensors) -> None:
        _Runner(job, using).loop(part.loop, backward)

    def whole(loop: Callable[[Tensors], None]) -> None:
        for name, value in starts.items():
            tensors[name][-1 if backward else 0].copy_(value)
        runner = _Runner(job, tensors)
        runner.everywhere(part.before)
        loop(tensors)
        runner.everywhere(part.after)

    if part.persistent or not records(like):
        tensors.update(make(part.buffers))
        whole(loop)
        return
    inside = starts.keys() | {name for stage in part.loop for name in tensors_of(stage)}
    key = (compiled(job), backward, *job.x.shape[:2], _precision())

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
    """Triton launches kernels on the current device, so make it that of the tensor."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def run_forward(job: Job) -> list[Tensor]:
    """Return output [T, B, P], final states [B, W], all states [T, B, W], and the tape."""
    plan, tensors = compiled(job), _read_by_both(job)
    names = list(job.graph.state_sizes)
    starts = {f"states:{name}": job.state[name] for name in names}
    with _on_device_of(job.x):
        _run_pass(job, tensors, plan.forward, plan.vectors, starts, backward=False)
    found = [tensors["output"], *(tensors[f"states:{name}"][-1].clone() for name in names)]
    if job.want_states:
        found += [tensors[f"states:{name}"][1:].clone() for name in names]
    return found + [tensors[name] for name in plan.tape]


def run_backward(job: Job, tape: Sequence[Tensor], gradients: Sequence[Tensor]) -> list[Tensor]:
    """Return gradients of the wanted inputs, the states and the parameters.

    gradients: of the output, the final states, and, where asked for, the states of every step.
    """
    plan, tensors = compiled(job), _read_by_both(job)
    names = list(job.graph.state_sizes)
    tensors |= dict(zip(plan.tape, tape, strict=True))
    tensors["gradient:output"] = gradients[0].contiguous()
    finals, every = gradients[1 : 1 + len(names)], gradients[1 + len(names) :]
    starts = {f"back:{name}": value for name, value in zip(names, finals, strict=True)}
    for name, value in zip(names, every, strict=False):
        tensors[f"every:{name}"] = value.contiguous()
    back = plan.backward
    assert back is not None
    with _on_device_of(job.x):
        _run_pass(job, tensors, back.part, back.vectors, starts, backward=True)
        return _results(job, tensors, back)


def _results(job: Job, tensors: Tensors, back: Backward) -> list[Tensor]:
    graph, like = job.graph, job.x
    nodes, runner = compiled(job).schedule.nodes, _Runner(job, tensors)

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
    vectors = parameter_gradients(back.derived, back.results, job.parameters, sums, matrices, like)
    return [*found, *matrices.values(), *vectors]

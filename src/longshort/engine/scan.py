"""A scan runs one layer in one direction over whole sequences; layers call it.

It draws the noise that the equations need, reverses time for the reverse direction, chooses an
executor and calls it. Letters: T time steps, B batch, I input size, W width of a state, P output
size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import torch
from torch import Tensor

from longshort.engine.executors import torch as portable
from longshort.engine.executors.common.contract import Job, Tensors, Trajectory, alive
from longshort.engine.executors.common.observed import transformed
from longshort.engine.executors.common.plan import Plan, plan
from longshort.engine.executors.common.segments import by_segments
from longshort.engine.executors.fused import executor as fused
from longshort.engine.executors.triton import executor as triton
from longshort.engine.graph import Graph, Input
from longshort.engine.parameters import Sizes
from longshort.engine.trace import Equations, Mode, trace, with_ends, with_starts
from longshort.errors import ArgumentError, BackendError, nearest

BACKENDS = ("auto", "native", "torch", "triton")


class Traced:
    """A cell's graphs for one layer: one for each mode that can change from call to call.

    All are traced when the layer is built, so that torch.compile finds finished graphs, and later
    changes of the cell do not change the layer.
    """

    def __init__(self, cell: Equations, sizes: Sizes, mode: Mode) -> None:
        self.sizes, self.mode = sizes, mode
        self.random = bool(mode.zoneout or mode.sequence_dropout or mode.candidate_dropout)
        self.recurrent = [f"weight_{k}" for k, one in cell.maps(sizes).items() if one.recurrent]
        """Names of the recurrent matrices."""
        self._plans: dict[tuple[bool, bool], dict[bool, Plan]] = {}
        for training in (False, True) if self.random else (False,):
            graph = trace(cell, sizes, replace(mode, training=training))
            for reset, one in ((False, graph), (True, with_starts(graph))):
                ways = {ragged: plan(with_ends(one) if ragged else one) for ragged in (False, True)}
                self._plans[training, reset] = ways
        self.graph = self._plans[False, False][False].graph
        """Equations of a plain call."""
        self.output_size, self.state_sizes = self.graph.output_size, self.graph.state_sizes

    def __deepcopy__(self, memo: dict[int, object]) -> Traced:
        """Return itself, since it is immutable."""
        return self

    def plans(self, training: bool = False, reset: bool = False) -> dict[bool, Plan]:
        """Return the planned equations, without (False) and with (True) the input "alive"."""
        return self._plans[training and self.random, reset]


def scan(
    traced: Traced,
    parameters: Tensors,
    x: Tensor,
    state: Tensors,
    *,
    initial: Tensors | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    noise: Tensors | None = None,
    training: bool = False,
    reverse: bool = False,
    want_states: bool = False,
    backend: str = "auto",
    checkpoint: int = 0,
    truncate: int = 0,
) -> Trajectory:
    """Run one layer in one direction.

    x [T, B, I]; state [B, W]: before the first step; lengths [B], from 1 to T. reset [T, B], bool:
    where True a new sequence starts at that step, from the states `initial` [B, W]. noise: the
    masks by name, in order of computation; by default they are drawn. The reverse direction starts
    at each sequence's end; all results are in the order of x.

    checkpoint: steps of a segment whose values the backward pass computes anew, instead of keeping
    them; 0 keeps all. truncate: steps after which gradients end, in segments of that length, which
    are computed anew too; 0 lets them pass through all steps.
    """
    plans = traced.plans(training, reset is not None)
    graph = plans[False].graph
    if x.size(0) == 0:
        return _nothing(graph, x, state)
    lengths = lengths if x.size(1) else None
    turn = Turn(x.size(0), lengths) if reverse else None
    inputs = {"x": x if turn is None else turn(x)}
    if reset is not None:
        starts = reset if turn is None else turn(_ends(reset, lengths))
        inputs["reset"] = starts.to(x.dtype).unsqueeze(-1)
        fresh = initial or {name: torch.zeros_like(value) for name, value in state.items()}
        inputs |= {f"initial_{name}": value for name, value in fresh.items()}
    inputs |= _draw(graph, x) if noise is None else noise
    job = Job(plans, parameters, inputs, state, lengths, want_states)
    segment = truncate or checkpoint
    if 0 < segment <= x.size(0) // 2:
        job = replace(job, segment=segment, cut=truncate > 0)
    found = execute(job, backend)
    if turn is None:
        return found
    states = {name: turn(value) for name, value in found.states.items()}
    return replace(found, output=turn(found.output), states=states)


def _nothing(graph: Graph, x: Tensor, state: Tensors) -> Trajectory:
    """Return the result of no steps: an empty output, and the unchanged state."""
    empty = {name: value.new_zeros(0, *value.shape) for name, value in state.items()}
    return Trajectory(x.new_zeros(0, x.size(1), graph.output_size), dict(state), empty)


class Turn:
    """Reverses time, each sequence up to its own end; padding stays where it is."""

    def __init__(self, steps: int, lengths: Tensor | None) -> None:
        self.steps, self.lengths = steps, lengths

    def __call__(self, values: Tensor) -> Tensor:
        """Return values [T, B] or [T, B, W] in reverse."""
        if self.lengths is None:
            return values.flip(0)
        lengths = self.lengths.to(values.device)
        t = torch.arange(self.steps, device=values.device).unsqueeze(1)
        places = torch.where(t < lengths, lengths - 1 - t, t)
        if values.dim() == 3:
            places = places.unsqueeze(-1).expand(values.shape)
        return values.gather(0, places)


def _ends(reset: Tensor, lengths: Tensor | None) -> Tensor:
    """Return where sequences end because the next step, outside the padding, is a reset."""
    if lengths is not None:
        reset = reset & alive(reset.size(0), lengths, reset.device)
    return torch.cat([reset[1:], torch.zeros_like(reset[:1])])


def _draw(graph: Graph, x: Tensor) -> Tensors:
    return {spec.name: _mask(spec, x) for spec in graph.inputs if spec.noise is not None}


def _mask(spec: Input, x: Tensor) -> Tensor:
    assert spec.noise is not None
    kind, rate = spec.noise
    shape = (x.size(1), spec.width) if spec.per_sequence else (*x.shape[:2], spec.width)
    draws = torch.rand(shape, device=x.device)
    if kind == "keep":
        return (draws < rate).to(x.dtype)
    return (draws >= rate).to(x.dtype) / (1.0 - rate)


def execute(job: Job, backend: str = "auto") -> Trajectory:
    """Run a job by the preferred executor that can."""
    executor = _executor(job, backend)
    if job.segment and not executor.has_segments:
        return by_segments(job, executor.execute)
    return executor.execute(job)


@dataclass(frozen=True)
class Executor:
    """A way to run a job."""

    backend: str
    title: str
    refusal: Callable[[Graph, torch.dtype, torch.device, bool], str | None]
    """Returns why it cannot run a graph, or None if it can.

    Arguments: graph, dtype, device, and whether the states of all steps are wanted.
    """
    execute: Callable[[Job], Trajectory]
    has_segments: bool = False
    """Whether it computes segments anew itself."""


def _native_executor() -> Executor | str:
    """Return the native executor, or why this installation lacks it."""
    try:
        import_module("longshort._native")
    except ImportError as error:
        return f"this installation has no native extension ({error})"
    from longshort.engine.executors.native import executor as native

    return Executor("native", "the fused scan in C++", native.refusal, native.execute, True)


def _triton_executor() -> Executor | str:
    """Return the triton executor, or why this installation lacks it; Triton is imported later."""
    reason = triton.missing()
    if reason is not None:
        return reason
    return Executor("triton", "the fused scan in Triton", triton.refusal, triton.execute)


_NATIVE, _TRITON = _native_executor(), _triton_executor()
MISSING = {
    name: found
    for name, found in (("native", _NATIVE), ("triton", _TRITON))
    if isinstance(found, str)
}
"""Backends that this installation lacks, with the reason."""


def _missing(backend: str) -> Executor:
    def refusal(
        graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool
    ) -> str | None:
        del graph, dtype, device, want_states
        return MISSING[backend]

    def execute(job: Job) -> Trajectory:
        del job
        raise _cannot(backend, MISSING[backend])

    return Executor(backend, backend, refusal, execute)


_EQUATIONS = Executor(
    "torch", "the equations in torch operations", portable.refusal, portable.execute
)
EXECUTORS = (
    _missing("native") if isinstance(_NATIVE, str) else _NATIVE,
    Executor("torch", "torch's own kernel", fused.refusal, fused.execute),
    _missing("triton") if isinstance(_TRITON, str) else _TRITON,
    _EQUATIONS,
)
"""Executors in order of preference; cuDNN comes before Triton, which is not measured yet."""


def has_native() -> bool:
    """Whether this installation has the native extension."""
    return not isinstance(_NATIVE, str)


def check_backend(backend: str) -> None:
    """Raise `ArgumentError` for an unknown backend, `BackendError` for one that is missing here."""
    if backend not in BACKENDS:
        raise ArgumentError(f"backend: {backend!r} is not known; {nearest(backend, BACKENDS)}")
    if backend in MISSING:
        raise _cannot(backend, MISSING[backend])


def _cannot(backend: str, reason: str) -> BackendError:
    return BackendError(
        f"backend={backend!r} cannot run this layer: {reason}; use backend='auto' or 'torch'"
    )


def _candidates(backend: str) -> list[Executor]:
    return [executor for executor in EXECUTORS if backend in ("auto", executor.backend)]


def _executor(job: Job, backend: str) -> Executor:
    """Return the executor for a job; under a transform of torch.func that of the plain equations.

    Raises `BackendError` if the backend that was asked for cannot run the job.
    """
    chosen = _chosen(job, backend)
    return _EQUATIONS if transformed() else chosen


def _chosen(job: Job, backend: str) -> Executor:
    reason: str | None = "it is not known"
    for executor in _candidates(backend):
        reason = executor.refusal(job.graph, job.x.dtype, job.x.device, job.want_states)
        if reason is None:
            return executor
    raise _cannot(backend, str(reason))


_OTHERWISE = (
    "second derivatives, forward mode and transforms of torch.func run the equations in torch "
    "operations"
)


def report(graph: Graph, dtype: torch.dtype, device: torch.device, backend: str) -> str:
    """Return which executor runs a plain call, why preferred ones do not, and further remarks."""
    reasons: list[str] = []
    for executor in _candidates(backend):
        reason = executor.refusal(graph, dtype, device, False)
        if reason is None:
            asked = [] if backend == "auto" else ["asked for"]
            why = "; ".join([*asked, *reasons])
            shown = f"{executor.backend}: {executor.title}" + (f" ({why})" if why else "")
            return shown if executor is _EQUATIONS else f"{shown}; {_OTHERWISE}"
        name = executor.title if executor.backend == "torch" else executor.backend
        reasons.append(f"{name}: {reason}")
    raise _cannot(backend, reasons[-1])

"""Plan of a scan on the GPU: products by torch, and kernels before, in and after the loop.

The loop has only what the next step depends on; all else is computed for all steps at once. Where
the recurrent matrices are small, the loop is a single kernel.

Tensors by name, [T, B, W] unless noted: "input:NAME"; "state:NAME" [B, W] before the scan;
"states:NAME" [T + 1, B, W] from there on; "output"; "value:N" (a value of the graph); "vector:N"
[W] (a value of parameters alone); "matrix:NAME". In the backward pass: "gradient:output";
"every:NAME" (gradients of the states of every step); "back:NAME" [T + 1, B, W] (gradients of the
states, the last step first); "gradient:input:NAME".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from longshort.engine.derive import Derived, derive
from longshort.engine.executors.common.values import Values
from longshort.engine.executors.triton.arrange import Pass, Planner, Store
from longshort.engine.executors.triton.source import header
from longshort.engine.executors.triton.tiles import Place
from longshort.engine.fuse import PRODUCTS
from longshort.engine.graph import Graph, Level, needed
from longshort.engine.schedule import (
    BackwardSchedule,
    Schedule,
    schedule_forward,
    schedule_training,
)

MATRIX_NUMBERS = 16 * 1024
"""Largest size of recurrent matrices, in numbers, that a single kernel for the whole loop may hold.

That is four gates of 64 units, 64 KiB. Compiled for an H100, the forward pass then takes 68 KiB of
shared memory and the backward pass 124 KiB, and with 8 warps nothing is spilled; 96 units do not
fit. Whether it is faster than one matmul per step has not been measured yet.
"""


def held_numbers(shared: int) -> int:
    """Return how many matrix elements a kernel may hold with this many bytes of shared memory.

    The compiler takes up to 8 bytes per element: it copies matrices to change their layout.
    """
    return max(0, min(MATRIX_NUMBERS, shared // 8 - 1024))


@dataclass(frozen=True, eq=False)
class Backward:
    """The backward pass, and the values that are computed before and after it."""

    derived: Derived
    schedule: BackwardSchedule
    part: Pass
    vectors: Values
    results: Values
    """Gradients of parameter vectors, and pairs of vectors for matrices that multiply such."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """Both passes, and the source of all their kernels."""

    schedule: Schedule
    forward: Pass
    vectors: Values
    source: str
    tape: tuple[str, ...] = ()
    """Tensors of the forward pass that the backward pass reads."""
    backward: Backward | None = None


@lru_cache(maxsize=256)
def compile_scan(
    graph: Graph,
    wanted: tuple[str, ...] | None,
    every_state: bool,
    real: str,
    limit: int = MATRIX_NUMBERS,
) -> Compiled:
    """Plan a scan.

    wanted: inputs whose gradients are needed; None: no backward pass. real: dtype of the
    computation. limit: largest size of matrices that a kernel may hold.
    """
    kernels: list[str] = []
    if wanted is None:
        schedule = schedule_forward(graph)
        forward = _plan_forward(schedule, kernels, limit)
        vectors = forward.vectors(schedule.nodes)
        return Compiled(schedule, forward, vectors, header(real) + "".join(kernels))
    derived = derive(graph, every_state)
    schedule, back = schedule_training(derived, wanted)
    nodes = schedule.nodes
    forward = _plan_forward(schedule, kernels, limit)
    saved = {i: forward.places[i] for i in schedule.saved}
    tape = dict.fromkeys(f"states:{name}" for name in graph.state_sizes)
    tape |= dict.fromkeys(place.buffer for place in saved.values())
    backward = _plan_backward(schedule, back, saved, kernels, limit)
    targets = tuple(derived.results)
    results = Values.of(derived.nodes, targets)
    return Compiled(
        schedule,
        forward,
        forward.vectors(nodes),
        header(real) + "".join(kernels),
        tuple(tape),
        Backward(derived, back, backward, backward.vectors(nodes), results),
    )


def _new_states(schedule: Schedule) -> list[Store]:
    sizes = schedule.graph.state_sizes
    return [
        (index, Place(f"states:{name}", 0, sizes[name], "time", shift=1))
        for name, index in schedule.states.items()
    ]


def _plan_forward(schedule: Schedule, kernels: list[str], limit: int) -> Pass:
    nodes, graph = schedule.nodes, schedule.graph
    planner = Planner("forward", nodes, {}, kernels)
    found = planner.found
    roots = [*schedule.states.values(), schedule.output, *schedule.saved]
    planner.count_uses(roots)
    hoisted = [i for i in schedule.hoisted if nodes[i].op in PRODUCTS]
    found.buffers |= {f"states:{n}": (1, width) for n, width in graph.state_sizes.items()}
    found.buffers["output"] = (0, graph.output_size)
    found.before = planner.stages([(i, planner.buffer(i)) for i in hoisted])
    output = (schedule.output, Place("output", 0, graph.output_size, "time"))
    inside = set(needed(nodes, tuple(schedule.states.values()), planner.known()))
    computed = [i for i in schedule.saved if i in inside and nodes[i].op not in PRODUCTS]
    targets = [*_new_states(schedule), *((i, planner.buffer(i)) for i in computed)]
    if schedule.output in inside:
        targets.append(output)
    planner.loop(targets, [schedule.output, *schedule.saved], limit, graph)
    last = [store for i in schedule.saved if (store := planner.wanted(i)) is not None]
    found.after = planner.stages(last if output in targets else [*last, output])
    for i in schedule.saved:
        place = planner.readable(i)
        assert place is not None
        found.places[i] = place
    return found


def _plan_backward(
    schedule: Schedule,
    back: BackwardSchedule,
    saved: dict[int, Place],
    kernels: list[str],
    limit: int,
) -> Pass:
    nodes, graph = schedule.nodes, schedule.graph
    places = dict(saved)
    for index, place in _new_states(schedule):
        if nodes[index].op not in ("state", "input") and nodes[index].level > Level.PARAMETER:
            places.setdefault(index, place)
    planner = Planner("backward", nodes, places, kernels)
    found = planner.found
    sinks = [*back.gathered, *(i for m in back.matrices for i in (m.d, m.v))]
    last = [*sinks, *back.inputs.values()]
    planner.count_uses([*back.states.values(), *last])
    for name, width in graph.state_sizes.items():
        found.buffers[f"back:{name}"] = (1, width)
    sizes = {spec.name: spec.width for spec in graph.inputs}
    targets = [
        (index, Place(f"back:{name}", 0, graph.state_sizes[name], "time"))
        for name, index in back.states.items()
    ]
    planner.loop(targets, last, limit, graph)
    wanted = [store for i in sinks if (store := planner.wanted(i)) is not None]
    for name, index in back.inputs.items():
        found.buffers[f"gradient:input:{name}"] = (0, sizes[name])
        wanted.append((index, Place(f"gradient:input:{name}", 0, sizes[name], "time")))
    found.after = planner.stages(list(dict.fromkeys(wanted)))
    for i in sinks:
        lying = planner.readable(i)
        assert lying is not None
        found.places[i] = lying
    return found

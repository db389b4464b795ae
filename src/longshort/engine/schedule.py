"""Order of computation: which values are computed before, in or after the time loop, and kept.

In the forward pass a product that does not depend on the state is hoisted: it is computed for many
steps at once. In the backward pass a product whose result the recurrence does not need is sunk
behind the loop in the same way. The forward pass keeps the values that the backward pass uses and
cannot recompute from states, inputs and other kept values without a matrix product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from longshort.engine.derive import Derived, MatrixGradient
from longshort.engine.fuse import PRODUCTS, fuse
from longshort.engine.graph import Graph, Level, Node, needed

GRADIENT_LEAVES = ("output_gradient", "state_gradient", "every_gradient", "gathered")
VIEWS = ("slice", "straight_through")
"""Operations whose result is a view of another value's columns."""
LEAVES = ("input", "state", "vector", "constant", *GRADIENT_LEAVES)


@dataclass(frozen=True)
class Schedule:
    """The order of a forward pass; all integers are indices into `nodes`."""

    graph: Graph
    nodes: tuple[Node, ...]
    output: int
    states: dict[str, int]
    hoisted: list[int]
    step: list[int]
    saved: list[int]
    """Values kept for the backward pass, besides the states after every step."""


@dataclass(frozen=True)
class BackwardSchedule:
    """The order of a backward pass, on the same `nodes` as its forward schedule."""

    states: dict[str, int]
    inputs: dict[str, int]
    matrices: tuple[MatrixGradient, ...]
    gathered: tuple[int, ...]
    """Distinct values that are summed over time and batch."""
    gathered_places: tuple[int, ...]
    """For each sum of the derived graph, its place in `gathered`."""
    step: list[int]
    sunk: list[int]


def schedule_forward(graph: Graph) -> Schedule:
    """Schedule a forward pass without a backward pass."""
    nodes, place = fuse(graph.nodes, [graph.output, *graph.states.values()])
    return _forward(graph, nodes, place, saved=[])


def schedule_single(graph: Graph) -> Schedule:
    """Schedule single steps, in which values of parameters alone are computed in each step."""
    nodes, place = fuse(graph.nodes, [graph.output, *graph.states.values()])
    raised = tuple(
        node if node.op in LEAVES else replace(node, level=max(node.level, Level.INPUT))
        for node in nodes
    )
    return _forward(graph, raised, place, saved=[])


def schedule_training(derived: Derived, wanted: Iterable[str]) -> tuple[Schedule, BackwardSchedule]:
    """Schedule forward and backward pass; `wanted`: inputs that get gradients."""
    graph = derived.forward
    inputs = {name: derived.inputs[name] for name in wanted}
    outer = [i for matrix in derived.matrices for i in (matrix.d, matrix.v)]
    roots = [graph.output, *graph.states.values(), *derived.states.values(), *inputs.values()]
    fused, place = fuse(derived.nodes, [*roots, *outer, *derived.gathered])
    states = {name: place[i] for name, i in derived.states.items()}
    longer = list(fused)
    matrices = tuple(
        MatrixGradient(m.matrix, m.span, _kept(longer, place[m.d]), place[m.v])
        for m in derived.matrices
    )
    summed = [_kept(longer, place[i]) for i in derived.gathered]
    nodes = tuple(longer)
    gathered = tuple(dict.fromkeys(summed))
    targets = [
        *states.values(),
        *(place[i] for i in inputs.values()),
        *(i for m in matrices for i in (m.d, m.v)),
        *gathered,
    ]
    saved = _saved(nodes, [place[i] for i in graph.states.values()], targets)
    forward = _forward(graph, nodes, place, saved)
    known = frozenset([*saved, *forward.states.values()])
    order = [i for i in needed(nodes, tuple(targets), known) if nodes[i].level > Level.PARAMETER]
    recurrent = set(needed(nodes, tuple(states.values()), known))
    sunk = _sunk(nodes, order, recurrent)
    return forward, BackwardSchedule(
        states=states,
        inputs={name: place[i] for name, i in inputs.items()},
        matrices=matrices,
        gathered=gathered,
        gathered_places=tuple(gathered.index(i) for i in summed),
        step=[i for i in order if i not in sunk and nodes[i].op not in LEAVES],
        sunk=[i for i in order if i in sunk],
    )


def _forward(
    graph: Graph, nodes: tuple[Node, ...], place: dict[int, int], saved: list[int]
) -> Schedule:
    output = place[graph.output]
    states = {name: place[i] for name, i in graph.states.items()}
    order = [
        i
        for i in needed(nodes, (output, *states.values(), *saved))
        if nodes[i].level > Level.PARAMETER and nodes[i].op not in LEAVES
    ]
    early = [i for i in order if nodes[i].op in PRODUCTS and nodes[i].level < Level.STEP]
    hoisted = [i for i in needed(nodes, tuple(early)) if i in set(order)]
    return Schedule(
        graph=graph,
        nodes=nodes,
        output=output,
        states=states,
        hoisted=hoisted,
        step=[i for i in order if i not in set(hoisted)],
        saved=saved,
    )


def _saved(nodes: tuple[Node, ...], states: list[int], targets: list[int]) -> list[int]:
    """Return the values that the backward pass uses and cannot recompute pointwise."""
    primal = _primal(nodes)
    boundary = {i for i in targets if i in primal}
    for index in needed(nodes, tuple(targets)):
        if index not in primal:
            boundary.update(i for i in nodes[index].inputs if i in primal)
    saved: list[int] = []
    kept = set(states)
    for index in sorted(boundary):
        if not _rebuilt(nodes, index, kept):
            kept.add(index)
            saved.append(index)
    return saved


def _primal(nodes: tuple[Node, ...]) -> set[int]:
    """Return the values that depend on no gradient."""
    found: set[int] = set()
    for index, node in enumerate(nodes):
        if node.op not in GRADIENT_LEAVES and found.issuperset(node.inputs):
            found.add(index)
    return found


def _rebuilt(nodes: tuple[Node, ...], index: int, kept: set[int]) -> bool:
    missing = needed(nodes, (index,), frozenset(kept))
    return not any(nodes[i].op in PRODUCTS and nodes[i].level > Level.PARAMETER for i in missing)


def _sunk(nodes: tuple[Node, ...], order: list[int], recurrent: set[int]) -> set[int]:
    """Return the values that can wait for the end of a chunk.

    There are none if they need the gradients of a step's states, which are not kept that long.
    """
    sunk: set[int] = set()
    for index in order:
        product = nodes[index].op in PRODUCTS and index not in recurrent
        if product or sunk.intersection(nodes[index].inputs):
            sunk.add(index)
    if any(_fleeting(nodes, i) for index in sunk for i in nodes[index].inputs):
        return set()
    return sunk


def _fleeting(nodes: Sequence[Node], index: int) -> bool:
    while nodes[index].op in VIEWS:
        index = nodes[index].inputs[0]
    return nodes[index].op == "state_gradient"


def _kept(nodes: list[Node], index: int) -> int:
    """Return the value, or a copy of it if it does not last until the end of a chunk."""
    if not _fleeting(nodes, index):
        return index
    nodes.append(Node("copy", (index,), nodes[index].width, Level.STEP))
    return len(nodes) - 1

"""In which order the portable executor computes a graph: before the loop, in it, or without one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from longshort.engine.graph import Graph, Level, Node, needed
from longshort.engine.linear import Recurrence, linear


@dataclass(frozen=True)
class Solution:
    """A state that a parallel scan computes."""

    recurrence: Recurrence
    leaf: int | None
    """The old state's place."""
    order: list[int]
    """Values that its coefficients need, without those that are known."""


@dataclass(frozen=True)
class Plan:
    """A graph, put in order. Numbers are places in `nodes`."""

    graph: Graph
    nodes: tuple[Node, ...]
    leaves: dict[str, int]
    """The old states."""
    before: list[int]
    """Computed for all steps before the loop."""
    inside: list[int]
    """Computed step by step."""
    streams: list[int]
    """Values of all steps that the loop reads one by one."""
    solutions: list[Solution] | None
    """Instead of the loop, where the states are linear recurrences."""
    rest: list[int]
    """Values that the output needs once the states are known."""


@lru_cache(maxsize=256)
def plan(graph: Graph) -> Plan:
    """Put a graph in order."""
    nodes = graph.nodes
    order = graph.needed(graph.output, *graph.states.values())
    inside = [i for i in order if nodes[i].level == Level.STEP and nodes[i].op != "state"]
    read = {i for index in inside for i in nodes[index].inputs}
    read.update([graph.output, *graph.states.values()])
    leaves = {node.name: i for i, node in enumerate(nodes) if node.op == "state"}
    solutions, rest, nodes = _solutions(graph, leaves)
    return Plan(
        graph=graph,
        nodes=nodes,
        leaves=leaves,
        before=[i for i in order if nodes[i].level < Level.STEP],
        inside=inside,
        streams=[i for i in sorted(read) if nodes[i].level == Level.INPUT],
        solutions=solutions,
        rest=rest,
    )


def _solutions(
    graph: Graph, leaves: dict[str, int]
) -> tuple[list[Solution] | None, list[int], tuple[Node, ...]]:
    found = linear(graph)
    if found is None:
        return None, [], graph.nodes
    known: frozenset[int] = frozenset()
    solutions = []
    for recurrence in found.recurrences:
        targets = tuple(i for i in (recurrence.a, recurrence.b) if i is not None)
        order = needed(found.nodes, targets, known)
        leaf = leaves.get(recurrence.state)
        solutions.append(Solution(recurrence, leaf, order))
        known = known.union(order, [graph.states[recurrence.state]], [] if leaf is None else [leaf])
    return solutions, needed(found.nodes, (graph.output,), known), found.nodes

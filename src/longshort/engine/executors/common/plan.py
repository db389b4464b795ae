"""Order of computation of the portable executor: before the loop, in it, or without a loop."""

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
    """Index of the old state."""
    order: list[int]
    """Values that the coefficients need, without known ones."""


@dataclass(frozen=True)
class Plan:
    """A graph with an order of computation; all integers are indices into `nodes`."""

    graph: Graph
    nodes: tuple[Node, ...]
    leaves: dict[str, int]
    """Indices of the old states."""
    before: list[int]
    """Values that are computed for all steps before the loop."""
    inside: list[int]
    """Values that are computed step by step."""
    streams: list[int]
    """Values of all steps that the loop reads one by one."""
    solutions: list[Solution] | None
    """Replaces the loop where the states are linear recurrences."""
    rest: list[int]
    """Values that the output needs after the states are known."""


@lru_cache(maxsize=256)
def plan(graph: Graph) -> Plan:
    """Return a graph with its order of computation."""
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

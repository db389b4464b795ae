"""Which values of a cell's equations carry the signal, and which ones only scale it.

A gate scales what another value carries, so relevance passes it by. That a value is a gate is not
declared anywhere; it follows from the operations: what lies between 0 and 1 scales what does not.
"""

from __future__ import annotations

from enum import IntEnum

from longshort.engine.graph import Graph, Node


class Rank(IntEnum):
    """How much a value carries; of two factors the higher one carries, the lower one scales."""

    CONSTANT = 0
    """Does not depend on the input: a parameter, or a clock."""
    GATE = 1
    """Between 0 and 1, such as a sigmoid, and sums and products of such values."""
    POSITIVE = 2
    """Above 0, such as an exponential gate."""
    SIGNAL = 3
    """Anything else."""


_FIXED = ("constant", "vector", "floor", "greater_equal", "max")
_SIGNALS = ("product", "tanh", "relu", "log", "sqrt", "standardise")
_RANKS = {"sigmoid": Rank.GATE, "exp": Rank.POSITIVE, "softplus": Rank.POSITIVE}


def ranks(graph: Graph) -> list[Rank]:
    """Return the rank of every value.

    States begin as constants and rise with what is written into them until nothing changes.
    """
    states = dict.fromkeys(graph.states, Rank.CONSTANT)
    while True:
        found = _pass(graph, states)
        new = {name: found[index] for name, index in graph.states.items()}
        if new == states:
            return found
        states = new


def _pass(graph: Graph, states: dict[str, Rank]) -> list[Rank]:
    found: list[Rank] = []
    for node in graph.nodes:
        found.append(_rank(graph, node, found, states))
    return found


def _rank(graph: Graph, node: Node, known: list[Rank], states: dict[str, Rank]) -> Rank:
    if node.op == "state":
        return states[node.name]
    if node.op == "input":
        spec = next(each for each in graph.inputs if each.name == node.name)
        return Rank.SIGNAL if spec.differentiable else Rank.CONSTANT
    highest = max((known[i] for i in node.inputs), default=Rank.CONSTANT)
    if node.op in _FIXED or highest == Rank.CONSTANT:
        return Rank.CONSTANT
    if node.op in _SIGNALS:
        return Rank.SIGNAL
    if node.op == "where":
        return max(known[i] for i in node.inputs[1:])
    if node.op == "minimum" and _is_between_0_and_1(graph, node):
        return Rank.GATE
    return _RANKS.get(node.op, highest)


def _is_between_0_and_1(graph: Graph, node: Node) -> bool:
    """Whether a minimum is the end of a clip to bounds in [0, 1], as of a hard sigmoid."""
    below, above = (graph.nodes[i] for i in node.inputs)
    if above.op != "constant" or below.op != "maximum":
        return False
    least = graph.nodes[below.inputs[1]]
    return least.op == "constant" and 0.0 <= least.value <= above.value <= 1.0

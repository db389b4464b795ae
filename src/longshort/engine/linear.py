"""Detection of cells whose states are elementwise linear recurrences, s ← a s + b.

If a and b do not depend on the state, a parallel scan can compute all steps at once. Several states
are solved one after the other; each is known to those that use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from longshort.engine.graph import Graph, Node, Tape, Value
from longshort.engine.ops import where


@dataclass(frozen=True)
class Recurrence:
    """state ← a · state + b; a and b are indices into the nodes, None stands for 0."""

    state: str
    a: int | None
    b: int | None


@dataclass(frozen=True)
class Linear:
    """A graph as linear recurrences, in the order in which they can be solved."""

    nodes: tuple[Node, ...]
    """The nodes of the graph, then those of the coefficients."""
    recurrences: tuple[Recurrence, ...]


def linear(graph: Graph) -> Linear | None:
    """Return the graph as linear recurrences; None if it is none."""
    tape = Tape(list(graph.nodes), {node: i for i, node in enumerate(graph.nodes)})
    reached = _reached(graph)
    waiting = dict(graph.states)
    found: list[Recurrence] = []
    while waiting:
        ready = [
            name for name, new in waiting.items() if not (reached[new] & waiting.keys()) - {name}
        ]
        forms = ((name, _Form(graph, tape, reached, name).of(waiting[name])) for name in ready)
        solved = next(((name, form) for name, form in forms if form is not None), None)
        if solved is None:
            return None
        name, (a, b) = solved
        del waiting[name]
        found.append(Recurrence(name, _index(a), _index(b)))
    return Linear(tuple(tape.nodes), tuple(found))


Affine = tuple[Value | None, Value | None]
"""a and b of a s + b; None stands for 0."""


def _index(value: Value | None) -> int | None:
    return None if value is None else value.index


def _reached(graph: Graph) -> list[frozenset[str]]:
    """Return the old states that each value depends on."""
    found: list[frozenset[str]] = []
    for node in graph.nodes:
        own = frozenset([node.name] if node.op == "state" else [])
        found.append(own.union(*(found[i] for i in node.inputs)))
    return found


class _Form:
    """Expresses values as affine functions of one old state."""

    def __init__(self, graph: Graph, tape: Tape, reached: list[frozenset[str]], state: str) -> None:
        self.graph, self.tape, self.reached, self.state = graph, tape, reached, state
        self.known: dict[int, Affine | None] = {}

    def of(self, index: int) -> Affine | None:
        """Return a and b of a value; None if it is not affine column by column."""
        if index not in self.known:
            self.known[index] = self._find(index)
        return self.known[index]

    def _find(self, index: int) -> Affine | None:
        node = self.graph.nodes[index]
        if self.state not in self.reached[index]:
            return None, Value(self.tape, index)
        if node.width != self.graph.state_sizes[self.state]:
            return None
        if node.op == "state":
            return self.tape.constant(1.0), None
        parts = [self.of(i) for i in node.inputs]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return self._combined(node.op, known)

    def _combined(self, op: str, parts: list[Affine]) -> Affine | None:
        match op, parts:
            case "add", [(a, b), (c, d)]:
                return _sum(a, c), _sum(b, d)
            case "sub", [(a, b), (c, d)]:
                return _difference(a, c), _difference(b, d)
            case "neg", [(a, b)]:
                return _difference(None, a), _difference(None, b)
            case "mul", [(a, b), (None, v)] | [(None, v), (a, b)] if v is not None:
                return _scaled(a, v), _scaled(b, v)
            case "div", [(a, b), (None, v)] if v is not None:
                return _divided(a, v), _divided(b, v)
            case "where", [(None, condition), (a, b), (c, d)] if condition is not None:
                return _chosen(condition, a, c), _chosen(condition, b, d)
        return None


def _sum(a: Value | None, b: Value | None) -> Value | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _difference(a: Value | None, b: Value | None) -> Value | None:
    if b is None:
        return a
    return -b if a is None else a - b


def _scaled(a: Value | None, factor: Value) -> Value | None:
    return None if a is None else a * factor


def _divided(a: Value | None, divisor: Value) -> Value | None:
    return None if a is None else a / divisor


def _chosen(condition: Value, a: Value | None, b: Value | None) -> Value | None:
    if a is None and b is None:
        return None
    return where(condition, 0.0 if a is None else a, 0.0 if b is None else b)

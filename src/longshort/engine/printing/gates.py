"""Gates in a traced graph, which computes all of them at once: separated, and named."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.engine.graph import Graph, Node, Tape, Value
from longshort.engine.ops import OPS, concat
from longshort.engine.parameters import Map
from longshort.engine.printing.symbols import Symbol, gate_of, key_parts, map_label, unlike

_BROADCAST = OPS.keys() - {"sum", "max", "cumsum", "standardise", "concat"}
"""Operations whose columns are independent of each other, so that gates can be separated."""
_LINEAR = frozenset(("add", "sub", "mul", "slice"))
_ACTIVATIONS = frozenset(("sigmoid", "tanh", "relu", "exp"))
_CLOSED = _ACTIVATIONS | {"sum", "max", "greater_equal", "where", "straight_through"}
"""Operations whose result is no longer a gate's preactivation."""


Found = list[tuple[int, str, Symbol]]
"""Values that get a name: where, key, symbol."""


class Split:
    """Rewrites a graph so that every gate has its own products, biases and operations."""

    def __init__(self, graph: Graph, maps: dict[str, Map]) -> None:
        self.graph, self.tape = graph, Tape()
        self._redundant = {f"bias_{name}" for name, m in maps.items() if m.redundant_bias}
        self._done: dict[tuple[int, int, int], Value] = {}

    def whole(self, index: int) -> Value:
        """Return all columns of a value."""
        return self.part(index, 0, self.graph.nodes[index].width)

    def part(self, index: int, start: int, stop: int) -> Value:
        """Return some columns of a value."""
        key = index, start, stop
        if key not in self._done:
            self._done[key] = self._part(self.graph.nodes[index], start, stop)
        return self._done[key]

    def _part(self, node: Node, start: int, stop: int) -> Value:
        tape, first = self.tape, node.span[0]
        match node.op:
            case "slice":
                return self.part(node.inputs[0], first + start, first + stop)
            case "concat":
                return concat(*self._pieces(node, start, stop))
            case "constant":
                return tape.constant(node.value)
            case "vector":
                key = f"{node.name}:{start}:{stop}"
                return tape.leaf("vector", key, stop - start, node.level)
            case "input" | "state":
                return tape.leaf(node.op, node.name, node.width, node.level)[start:stop]
            case "product":
                key = f"{node.name}:{first + start}:{first + stop}"
                span = (0, stop - start)
                v = self.whole(node.inputs[0])
                return tape.apply("product", v, width=stop - start, name=key, span=span)
        if node.op not in _BROADCAST:
            inputs = [self.whole(i) for i in node.inputs]
            return tape.apply(node.op, *inputs, width=node.width)[start:stop]
        return self._operation(node, start, stop)

    def _operation(self, node: Node, start: int, stop: int) -> Value:
        real = [i for i in node.inputs if not self._is_redundant_bias(i)]
        if node.op == "add" and len(real) == 1:
            return self.part(real[0], start, stop)
        inputs = [
            self.whole(i) if self.graph.nodes[i].width == 1 else self.part(i, start, stop)
            for i in node.inputs
        ]
        return self.tape.apply(node.op, *inputs, width=stop - start)

    def _pieces(self, node: Node, start: int, stop: int) -> Iterator[Value]:
        place = 0
        for i in node.inputs:
            width = self.graph.nodes[i].width
            low, high = max(start - place, 0), min(stop - place, width)
            if low < high:
                yield self.part(i, low, high)
            place += width

    def _is_redundant_bias(self, index: int) -> bool:
        node = self.graph.nodes[index]
        while node.op == "slice":
            node = self.graph.nodes[node.inputs[0]]
        return node.op == "vector" and node.name in self._redundant


class GateNames:
    """Finds each gate's preactivation z_k and its activation k_t."""

    def __init__(
        self, nodes: tuple[Node, ...], states: dict[str, int], maps: dict[str, Map], taken: set[str]
    ) -> None:
        self.nodes, self.states, self.maps = nodes, states, maps
        gates = [gate for m in maps.values() for gate in m.gates]
        self.gates = tuple(dict.fromkeys(gates))
        self.letter = next(a for a in ("z", "a", "q", "preact") if a not in {*gates, *taken})
        self.consumers = _consumers(nodes)
        self.layout: list[tuple[str, ...]] = []
        for index in range(len(nodes)):
            self.layout.append(self._layout(index))

    def find(self) -> Found:
        """Return the names in the order of the gates."""
        found: Found = []
        for gate in self.gates:
            parts = self._connected(gate)
            for first in parts:
                z = self._climb(first)
                if not self._is_term_of_a_state(z):
                    found += self._names(z, gate, self._label(first) if len(parts) > 1 else "")
        closed = set(self.states.values())
        symbols: set[Symbol] = set()
        for place, (index, key, symbol) in enumerate(found):
            found[place] = (index, f"{key}@{index}", unlike(symbol, symbols))
            symbols.add(found[place][2])
        return [entry for entry in found if entry[0] not in closed]

    def _is_term_of_a_state(self, index: int) -> bool:
        """Whether the state is the sum itself, without an activation."""
        states = self.states.values()
        return any(i in states and self.nodes[i].op == "add" for i in self.consumers[index])

    def _names(self, z: int, gate: str, label: str) -> Found:
        """Return the names of a preactivation and of its activation."""
        active = self._activation(z, gate)
        own = Symbol(gate, below=label, gate=gate, time=0, tilde=gate in self.states)
        shown = gate if len(self.gates) > 1 else ""
        before = Symbol(self.letter, below=label, gate=shown)
        if active is not None:
            return [(z, f"{label}{gate}@z", before), (active, f"{label}{gate}@gate", own)]
        plain = all(self.nodes[i].op == "mul" for i in self.consumers[z])
        return [(z, f"{label}{gate}@gate", own if plain else before)]

    def _connected(self, gate: str) -> list[int]:
        """Return the first value of each preactivation; a gate may have one in several maps."""
        group: dict[int, int] = {}
        for index, layout in enumerate(self.layout):
            if layout != (gate,):
                continue
            near = {group[i] for i in self.nodes[index].inputs if i in group}
            lowest = min(near, default=index)
            group = {i: lowest if first in near else first for i, first in group.items()}
            group[index] = lowest
        return sorted(set(group.values()))

    def _label(self, index: int) -> str:
        node = self.nodes[index]
        if node.op != "product":
            return ""
        return map_label(key_parts(node.name)[0].removeprefix("weight_"))[1]

    def _layout(self, index: int) -> tuple[str, ...]:
        """Return the gates whose preactivations these columns are."""
        node = self.nodes[index]
        if node.op == "product":
            return self._gates_of_rows(node.name)
        if node.op in _CLOSED or index in self.states.values():
            return ()
        layouts = {self.layout[i] for i in node.inputs} - {()}
        if len(layouts) != 1:
            return ()
        (layout,) = layouts
        if node.op == "slice" and len(layout) > 1:
            width = self.nodes[node.inputs[0]].width
            gate = gate_of(layout, width, *node.span)
            return (gate,) if gate in layout else ()
        return layout

    def _gates_of_rows(self, key: str) -> tuple[str, ...]:
        name, start, stop = key_parts(key)
        m = self.maps[name.removeprefix("weight_")]
        size = m.outputs // len(m.gates) if m.gates else 1
        covered = m.gates[start // size : -(-stop // size)]
        return covered if len(covered) == 1 or (stop - start) % size == 0 else ()

    def _climb(self, index: int) -> int:
        """Return the whole sum that contains a first product."""
        top = index
        while len(self.consumers[index]) == 1:
            (above,) = self.consumers[index]
            node = self.nodes[above]
            numbers = any(self.nodes[i].op == "constant" for i in node.inputs)
            if node.op not in _LINEAR or numbers or self.layout[above] != self.layout[index]:
                break
            index = above
            top = top if node.op == "mul" else index
        return top

    def _activation(self, z: int, gate: str) -> int | None:
        reached, clipped = {z}, None
        for index in range(z + 1, len(self.nodes)):
            node = self.nodes[index]
            if not reached.intersection(node.inputs):
                continue
            if node.op in _ACTIVATIONS:
                return index
            if self.layout[index] == (gate,):
                reached.add(index)
                clipped = index if node.op == "minimum" else clipped
        return clipped


def _consumers(nodes: tuple[Node, ...]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        for i in node.inputs:
            found[i].append(index)
    return found

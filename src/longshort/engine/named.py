"""A cell's equations as people write them: one for each gate, each state and each shared value.

The traced graph computes all gates at once and its values have no names. Here it is taken apart by
gate, cut at the values that deserve a name, and derived again: the gradient of a named value then
is one equation in gradients of other named values, which is how backpropagation is written down.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from longshort.engine.derive import Derived, derive
from longshort.engine.graph import Graph, Input, Level, Node, Tape, Value
from longshort.engine.ops import OPS, concat
from longshort.engine.parameters import Map

_BROADCAST = OPS.keys() - {"sum", "max", "cumsum", "standardise", "concat"}
"""Operations whose columns are independent of each other, so that gates can be told apart."""
_LINEAR = frozenset(("add", "sub", "mul", "slice"))
_ACTIVATIONS = frozenset(("sigmoid", "tanh", "relu", "exp"))
_CLOSED = _ACTIVATIONS | {"sum", "max", "greater_equal", "where", "straight_through"}
"""What comes out of these is no gate's preactivation any more."""
_LEAVES = frozenset(("constant", "vector", "input", "state"))


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a value or parameter is called: R above "hr" below "i", or c at time t-1."""

    base: str
    above: str = ""
    below: str = ""
    gate: str = ""
    time: int | None = None
    """Steps from t; None: written without time."""
    tilde: bool = False
    delta: bool = False
    """∂L/∂v instead of v."""

    def with_gate(self, gate: str) -> Symbol:
        """The same symbol for another gate."""
        if not self.gate:
            return self
        return replace(self, base=gate if self.base == self.gate else self.base, gate=gate)


@dataclass(frozen=True)
class Equation:
    """A named value and the place of its expression in the derived nodes."""

    key: str
    index: int
    depth: int
    """How many equations it takes to come to this one."""


@dataclass(frozen=True)
class Named:
    """Equations of one step and of its backward step, with a symbol for every leaf."""

    derived: Derived
    symbols: dict[str, Symbol]
    """By leaf: input, matrix or vector."""
    values: tuple[Equation, ...]
    """In the order of computing."""
    states: tuple[str, ...]
    output: str
    """The value that is the output."""
    gradients: dict[str, int]
    """Of values and vectors, by key: what a step gives to them. Left out where it is nothing."""
    parameters: tuple[str, ...]

    def parameter_keys(self) -> list[str]:
        """Keys of matrices and vectors, of which each gate has its own."""
        nodes = self.derived.forward.nodes
        return list(dict.fromkeys(n.name for n in nodes if n.op in ("product", "vector")))

    def parameter(self, key: str) -> str:
        """The stored parameter that a matrix or vector is a part of."""
        return _key_parts(key)[0]

    def rank(self, key: str) -> tuple[int, int]:
        """Order of the parameters: as the cell declares them, and their rows."""
        name, start, _ = _key_parts(key)
        return self.parameters.index(name), start


def name_equations(graph: Graph, maps: dict[str, Map]) -> Named:
    """Name the values of `graph`, whose matrices are those of `maps`."""
    split = _Split(graph, maps)
    states = {name: split.whole(index).index for name, index in graph.states.items()}
    output = split.whole(graph.output).index
    nodes = tuple(split.tape.nodes)
    symbols = _ParameterSymbols(maps, graph).all(nodes)
    taken = {symbol.base for symbol in symbols.values()} | {*states}
    found = [(index, f"{name}@t", Symbol(name, time=0)) for name, index in states.items()]
    if output not in states.values():
        found.append((output, "y@t", Symbol("y", time=0)))
    found += _GateNames(nodes, states, maps, taken).find()
    found += _shared(nodes, graph, found, symbols)
    return _cut(nodes, graph, found, symbols, output)


class _Split:
    """Writes a graph anew so that every gate has its own products, biases and operations."""

    def __init__(self, graph: Graph, maps: dict[str, Map]) -> None:
        self.graph, self.tape = graph, Tape()
        self._redundant = {f"bias_{name}" for name, m in maps.items() if m.redundant_bias}
        self._done: dict[tuple[int, int, int], Value] = {}

    def whole(self, index: int) -> Value:
        """A value, all columns."""
        return self.part(index, 0, self.graph.nodes[index].width)

    def part(self, index: int, start: int, stop: int) -> Value:
        """Some columns of a value."""
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


class _ParameterSymbols:
    """Symbols of matrices and vectors: W x + R h + b, p for peepholes, γ for gains."""

    WORDS: ClassVar[dict[str, str]] = {"peephole": "p", "gain": "γ", "bias": "b", "recurrent": "u"}

    def __init__(self, maps: dict[str, Map], graph: Graph) -> None:
        self.maps, self.graph = maps, graph
        self.gates = {gate for m in maps.values() for gate in m.gates}
        self.biased = [
            name
            for name, m in maps.items()
            if f"bias_{name}" in graph.vectors and not m.redundant_bias
        ]

    def all(self, nodes: tuple[Node, ...]) -> dict[str, Symbol]:
        """By key, no two the same."""
        found: dict[str, Symbol] = {}
        taken: set[Symbol] = set()
        for node in nodes:
            if node.op in ("product", "vector") and node.name not in found:
                make = self._matrix if node.op == "product" else self._vector
                found[node.name] = _unlike(make(*_key_parts(node.name)), taken)
                taken.add(found[node.name])
        return found

    def _matrix(self, name: str, start: int, stop: int) -> Symbol:
        name = name.removeprefix("weight_")
        m = self.maps[name]
        letter, label = map_label(name)
        gate = _gate_of(m.gates, m.outputs, start, stop)
        return Symbol(letter, above=label, gate=gate) if gate else Symbol(letter, below=label)

    def _vector(self, name: str, start: int, stop: int) -> Symbol:
        word, _, rest = name.partition("_")
        m = self.maps.get(rest)
        size = self.graph.vectors[name]
        gates = m.gates if m else self._gates_of_width(size)
        gate = _gate_of(gates, size, start, stop)
        base = self.WORDS.get(word, word)
        if m is None and rest in self.gates:
            return Symbol(base, below=gate, gate=rest)
        if m is None:
            return Symbol(base, below=rest, gate=gate)
        alone = word == "bias" and self.biased == [rest] and "bias" not in self.graph.vectors
        letter, label = map_label(rest)
        return Symbol(base, above="" if alone else label or letter, gate=gate)

    def _gates_of_width(self, size: int) -> tuple[str, ...]:
        return next((m.gates for m in self.maps.values() if m.outputs == size), ())


def map_label(name: str) -> tuple[str, str]:
    """Letter and label of a map: W of the input, R of the state, W with its name otherwise."""
    found = re.fullmatch(r"(?:(\w+)_)?(ih|hh)(\d*)", name)
    if not found:
        return "W", name
    return {"ih": "W", "hh": "R"}[found[2]], found[1] or found[3]


def _key_parts(key: str) -> tuple[str, int, int]:
    name, start, stop = key.rsplit(":", 2)
    return name, int(start), int(stop)


def _gate_of(gates: tuple[str, ...], width: int, start: int, stop: int) -> str:
    """Whose columns these are: "" for all, numbers where they are no gate's."""
    if (start, stop) == (0, width):
        return ""
    size = width // len(gates) if gates else width
    if gates and start % size == 0 and stop % size == 0:
        return "".join(gates[start // size : stop // size])
    return f"{start + 1}…{stop}"


def _unlike(symbol: Symbol, others: set[Symbol]) -> Symbol:
    while symbol in others:
        symbol = replace(symbol, base=symbol.base + "′")
    return symbol


_Found = list[tuple[int, str, Symbol]]
"""Values that get a name: where, key, symbol."""


class _GateNames:
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

    def find(self) -> _Found:
        """In the order of the gates."""
        found: _Found = []
        for gate in self.gates:
            parts = self._connected(gate)
            for first in parts:
                z = self._climb(first)
                if not self._is_term_of_a_state(z):
                    found += self._names(z, gate, self._label(first) if len(parts) > 1 else "")
        closed = set(self.states.values())
        symbols: set[Symbol] = set()
        for place, (index, key, symbol) in enumerate(found):
            found[place] = (index, f"{key}@{index}", _unlike(symbol, symbols))
            symbols.add(found[place][2])
        return [entry for entry in found if entry[0] not in closed]

    def _is_term_of_a_state(self, index: int) -> bool:
        """Whether the state itself is the sum, without an activation."""
        states = self.states.values()
        return any(i in states and self.nodes[i].op == "add" for i in self.consumers[index])

    def _names(self, z: int, gate: str, label: str) -> _Found:
        """Names of one preactivation and of what becomes of it."""
        active = self._activation(z, gate)
        own = Symbol(gate, below=label, gate=gate, time=0, tilde=gate in self.states)
        shown = gate if len(self.gates) > 1 else ""
        before = Symbol(self.letter, below=label, gate=shown)
        if active is not None:
            return [(z, f"{label}{gate}@z", before), (active, f"{label}{gate}@gate", own)]
        plain = all(self.nodes[i].op == "mul" for i in self.consumers[z])
        return [(z, f"{label}{gate}@gate", own if plain else before)]

    def _connected(self, gate: str) -> list[int]:
        """The first value of each preactivation: a gate may have one in each of several maps."""
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
        return map_label(_key_parts(node.name)[0].removeprefix("weight_"))[1]

    def _layout(self, index: int) -> tuple[str, ...]:
        """The gates whose preactivations these columns are."""
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
            gate = _gate_of(layout, width, *node.span)
            return (gate,) if gate in layout else ()
        return layout

    def _gates_of_rows(self, key: str) -> tuple[str, ...]:
        name, start, stop = _key_parts(key)
        m = self.maps[name.removeprefix("weight_")]
        size = m.outputs // len(m.gates) if m.gates else 1
        covered = m.gates[start // size : -(-stop // size)]
        return covered if len(covered) == 1 or (stop - start) % size == 0 else ()

    def _climb(self, index: int) -> int:
        """From a first product to the whole sum that it is a part of."""
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


def _shared(
    nodes: tuple[Node, ...], graph: Graph, found: _Found, symbols: dict[str, Symbol]
) -> _Found:
    """u_1, u_2, …: long expressions that are needed more than once, backward included."""
    bases = {symbol.base for _, _, symbol in found} | {s.base for s in symbols.values()}
    letter = next(a for a in ("u", "s", "q", "e", "value") if a not in bases)
    extra: _Found = []
    # A name lets gradients reach what none did before, so it may be followed by others.
    while more := _worth_a_name(nodes, graph, found + extra, symbols):
        extra += [(index, f"shared@{index}", Symbol(letter)) for index in more]
    return sorted(extra)


def _worth_a_name(
    nodes: tuple[Node, ...], graph: Graph, found: _Found, symbols: dict[str, Symbol]
) -> list[int]:
    """Values that are long, given the named ones and those found before, and needed again."""
    known = {index for index, _, _ in found}
    uses = Counter(i for node in nodes for i in node.inputs)
    backward = _used_backward(nodes, graph, found, symbols)
    cost: list[int] = []
    worth: list[int] = []
    for index, node in enumerate(nodes):
        cost.append(0 if index in known else _cost(node, cost))
        if index in known or node.level == Level.PARAMETER or node.op in _LEAVES:
            continue
        long = 2 if node.op in ("sigmoid", "tanh") else 3
        again = cost[index] >= long and index in backward
        if again or (cost[index] >= 2 and uses[index] > 1):
            worth.append(index)
            cost[index] = 0
    return worth


def costs(nodes: tuple[Node, ...], named: Callable[[int], bool]) -> list[int]:
    """How many operations it takes to write each value down, given the named ones."""
    found: list[int] = []
    for index, node in enumerate(nodes):
        found.append(0 if named(index) else _cost(node, found))
    return found


def _cost(node: Node, before: list[int]) -> int:
    own = 0 if node.op in ("neg", "expand", "slice") else 1
    return own + sum(before[i] for i in node.inputs) if node.inputs else 0


def _used_backward(
    nodes: tuple[Node, ...], graph: Graph, found: _Found, symbols: dict[str, Symbol]
) -> set[int]:
    cut = _Cut(nodes, graph, found, symbols)
    derived = derive(cut.graph(found[0][0]))
    count = len(derived.forward.nodes)
    used = {i for node in derived.nodes[count:] for i in node.inputs if i < count}
    return {index for index, value in cut.expressions.items() if value.index in used}


class _Cut:
    """The graph with every named value as a leaf, and its equation beside it."""

    def __init__(
        self, nodes: tuple[Node, ...], graph: Graph, found: _Found, symbols: dict[str, Symbol]
    ) -> None:
        self.tape, self.source = Tape(), graph
        self.symbols = dict(symbols)
        self.inputs: list[Input] = []
        self.equations: dict[str, Value] = {}
        self.expressions: dict[int, Value] = {}
        self.values: dict[int, Value] = {}
        names: dict[int, list[tuple[str, Symbol]]] = {}
        for index, key, symbol in found:
            names.setdefault(index, []).insert(0, (key, symbol))
        for index, node in enumerate(nodes):
            self.expressions[index] = self.values[index] = self._written(node)
            for key, symbol in names.get(index, []):
                self.equations[key] = self.values[index]
                self.values[index] = self._leaf(key, symbol, node.width)

    def _written(self, node: Node) -> Value:
        if node.op == "state":
            return self._leaf(f"{node.name}@t-1", Symbol(node.name, time=-1), node.width)
        if node.op == "input":
            free = any(
                spec.differentiable and spec.name == node.name for spec in self.source.inputs
            )
            return self._leaf(node.name, Symbol(node.name, time=0), node.width, free)
        inputs = tuple(self.values[i].index for i in node.inputs)
        return Value(self.tape, self.tape.add(replace(node, inputs=inputs)))

    def _leaf(self, key: str, symbol: Symbol, width: int, free: bool = True) -> Value:
        self.symbols[key] = symbol
        self.inputs.append(Input(key, width, differentiable=free))
        return self.tape.leaf("input", key, width, Level.STEP)

    def graph(self, output: int) -> Graph:
        """With all named values as states, so that each has a gradient of its own."""
        nodes = tuple(self.tape.nodes)
        return Graph(
            nodes=nodes,
            output=self.values[output].index,
            states={key: value.index for key, value in self.equations.items()},
            state_sizes={key: value.width for key, value in self.equations.items()},
            matrices={node.name: (0, 0) for node in nodes if node.op == "product"},
            vectors={node.name: node.width for node in nodes if node.op == "vector"},
            inputs=tuple(self.inputs),
        )


def _cut(
    nodes: tuple[Node, ...], graph: Graph, found: _Found, symbols: dict[str, Symbol], output: int
) -> Named:
    cut = _Cut(nodes, graph, found, symbols)
    derived = derive(cut.graph(output))
    key = derived.forward.nodes[derived.forward.output].name
    places = {**derived.inputs, **derived.vectors}
    values = _in_reading_order(
        derived.forward.nodes, {key: cut.equations[key] for _, key, _ in found}
    )
    shared = [equation.key for equation in values if equation.key.startswith("shared@")]
    for number, shared_key in enumerate(shared, 1):
        cut.symbols[shared_key] = replace(cut.symbols[shared_key], below=str(number))
    count = len(derived.nodes)
    return Named(
        derived=derived,
        symbols=cut.symbols,
        values=values,
        states=tuple(graph.state_sizes),
        output=key,
        gradients={
            key: index
            for key, index in places.items()
            if index < count and not is_zero(derived.nodes, index)
        },
        parameters=(*graph.matrices, *graph.vectors),
    )


def _in_reading_order(nodes: tuple[Node, ...], equations: dict[str, Value]) -> tuple[Equation, ...]:
    """What depends on less comes first; among these, the order given."""
    keys: dict[int, list[str]] = {}
    for key, value in equations.items():
        keys.setdefault(value.index, []).append(key)
    depth: dict[str, int] = {}
    below: list[int] = []
    for index, node in enumerate(nodes):
        own = max((below[i] for i in node.inputs), default=0)
        below.append(1 + depth[node.name] if node.name in depth else own)
        depth |= dict.fromkeys(keys.get(index, ()), below[index])
    ranked = sorted(equations, key=lambda key: depth[key])
    return tuple(Equation(key, equations[key].index, depth[key]) for key in ranked)


def is_zero(nodes: tuple[Node, ...], index: int) -> bool:
    """Whether a value is the number 0."""
    node = nodes[index]
    while node.op == "expand":
        node = nodes[node.inputs[0]]
    return node.op == "constant" and node.value == 0.0

"""A cell's equations as people write them: one for each gate, each state and each shared value.

The traced graph computes all gates at once, and its values have no names. Here it is split by gate,
cut at the values that get a name, and derived anew: the gradient of a named value is then one
equation in gradients of other named values, which is the usual form of backpropagation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from longshort.engine.derive import Derived, derive
from longshort.engine.graph import Graph, Input, Level, Node, Tape, Value
from longshort.engine.parameters import Map
from longshort.engine.printing.gates import Found, GateNames, Split
from longshort.engine.printing.symbols import ParameterSymbols, Symbol, key_parts

_LEAVES = frozenset(("constant", "vector", "input", "state"))


@dataclass(frozen=True)
class Equation:
    """A named value, and the index of its expression in the derived nodes."""

    key: str
    index: int
    depth: int
    """Length of the longest chain of equations that it depends on."""


@dataclass(frozen=True)
class Named:
    """Equations of a step and its backward step, with a symbol for every leaf."""

    derived: Derived
    symbols: dict[str, Symbol]
    """Symbols of input, matrices and vectors, by leaf."""
    values: tuple[Equation, ...]
    """Named values, in order of computation."""
    states: tuple[str, ...]
    output: str
    """Name of the output's value."""
    gradients: dict[str, int]
    """What a step adds to the gradients of values and vectors, by key; zeros are omitted."""
    parameters: tuple[str, ...]

    def parameter_keys(self) -> list[str]:
        """Keys of matrices and vectors; each gate has its own."""
        nodes = self.derived.forward.nodes
        return list(dict.fromkeys(n.name for n in nodes if n.op in ("product", "vector")))

    def parameter(self, key: str) -> str:
        """Return the stored parameter that contains a matrix or vector."""
        return key_parts(key)[0]

    def rank(self, key: str) -> tuple[int, int]:
        """Return a parameter's sort key: order of declaration, then of rows."""
        name, start, _ = key_parts(key)
        return self.parameters.index(name), start


def name_equations(graph: Graph, maps: dict[str, Map]) -> Named:
    """Name the values of `graph`; `maps` are the cell's."""
    split = Split(graph, maps)
    states = {name: split.whole(index).index for name, index in graph.states.items()}
    output = split.whole(graph.output).index
    nodes = tuple(split.tape.nodes)
    symbols = ParameterSymbols(maps, graph).all(nodes)
    taken = {symbol.base for symbol in symbols.values()} | {*states}
    found = [(index, f"{name}@t", Symbol(name, time=0)) for name, index in states.items()]
    if output not in states.values():
        found.append((output, "y@t", Symbol("y", time=0)))
    found += GateNames(nodes, states, maps, taken).find()
    found += _shared(nodes, graph, found, symbols)
    return _cut(nodes, graph, found, symbols, output)


def _shared(
    nodes: tuple[Node, ...], graph: Graph, found: Found, symbols: dict[str, Symbol]
) -> Found:
    """Name long expressions that are used more than once, in either pass: u_1, u_2, …"""
    bases = {symbol.base for _, _, symbol in found} | {s.base for s in symbols.values()}
    letter = next(a for a in ("u", "s", "q", "e", "value") if a not in bases)
    extra: Found = []
    # A name lets gradients reach further values, so further names may follow.
    while more := _worth_a_name(nodes, graph, found + extra, symbols):
        extra += [(index, f"shared@{index}", Symbol(letter)) for index in more]
    return sorted(extra)


def _worth_a_name(
    nodes: tuple[Node, ...], graph: Graph, found: Found, symbols: dict[str, Symbol]
) -> list[int]:
    """Return values with long expressions that are used more than once, given the names so far."""
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
    """Return the number of operations in each value's expression, given the named values."""
    found: list[int] = []
    for index, node in enumerate(nodes):
        found.append(0 if named(index) else _cost(node, found))
    return found


def _cost(node: Node, before: list[int]) -> int:
    own = 0 if node.op in ("neg", "expand", "slice") else 1
    return own + sum(before[i] for i in node.inputs) if node.inputs else 0


def _used_backward(
    nodes: tuple[Node, ...], graph: Graph, found: Found, symbols: dict[str, Symbol]
) -> set[int]:
    cut = _Cut(nodes, graph, found, symbols)
    derived = derive(cut.graph(found[0][0]))
    count = len(derived.forward.nodes)
    used = {i for node in derived.nodes[count:] for i in node.inputs if i < count}
    return {index for index, value in cut.expressions.items() if value.index in used}


class _Cut:
    """Builds the graph in which every named value is a leaf, with its equation stored apart."""

    def __init__(
        self, nodes: tuple[Node, ...], graph: Graph, found: Found, symbols: dict[str, Symbol]
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
        """Return the graph with all named values as states, so that each has a gradient."""
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
    nodes: tuple[Node, ...], graph: Graph, found: Found, symbols: dict[str, Symbol], output: int
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
    """Sort equations: those that depend on fewer others come first, ties keep their order."""
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
    """Whether a value is the constant 0."""
    node = nodes[index]
    while node.op == "expand":
        node = nodes[node.inputs[0]]
    return node.op == "constant" and node.value == 0.0

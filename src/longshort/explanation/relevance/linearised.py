"""The equations of a step with gates held and activations replaced by chords: linear in the signal.

Relevance is gradient times input of these equations: a sum shares relevance by its terms, a product
gives all of it to the factor that carries the signal, an activation f(a) passes it on by its chord
(f(a) - f(0)) / a. So the pass of relevance is derived from the equations in the way
backpropagation is, and run by the same executors. It equals the rules of Arras et al. (2019) in the
limit of their stabiliser to 0; what biases and f(0) account for is collected at an input "one".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from longshort.engine.executors.torch import FUNCTIONS, Values
from longshort.engine.graph import Graph, Input, Level, Node, Tape, Value, needed
from longshort.engine.ops import EPSILON, concat, total, where
from longshort.errors import ConfigError
from longshort.explanation.relevance.carriers import ranks

ONE = "one"
"""Input [B, 1] of ones, whose relevance is that of all constants."""
_TINY = 1e-9
CHORDS = ("sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt")
_HELD = ("floor", "greater_equal", "max")

Compute = Callable[[Values], Tensor]


@dataclass(frozen=True)
class Linearised:
    """A graph that is linear in the signal, and how its further inputs follow from all values."""

    graph: Graph
    given: dict[str, Compute]


@lru_cache(maxsize=256)
def linearised(graph: Graph) -> Linearised:
    """Return the linear equations of a graph; raises `ConfigError` for an unknown operation."""
    return _Linear(graph).run()


class _Linear:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.ranks = graph, ranks(graph)
        self.tape = Tape()
        self.inputs: dict[str, Input] = {}
        self.given: dict[str, Compute] = {}
        self.found: dict[int, Value] = {}
        """What carries the signal of each value that has one."""
        self.one = self._leaf(Input(ONE, 1, per_sequence=True, differentiable=True))

    def run(self) -> Linearised:
        graph = self.graph
        live = [name for name, index in graph.states.items() if self.ranks[index]]
        for index in graph.needed(graph.output, *graph.states.values()):
            if self.ranks[index]:
                self.found[index] = self._carried(index, graph.nodes[index])
        output = self._whole(graph.output).index
        states = {name: self._whole(graph.states[name]).index for name in live}
        return Linearised(self._pruned(output, states), self.given)

    def _pruned(self, output: int, states: dict[str, int]) -> Graph:
        """Return the graph of the values that are needed."""
        order = needed(self.tape.nodes, (output, *states.values()))
        place = {index: number for number, index in enumerate(order)}
        nodes = tuple(
            replace(self.tape.nodes[i], inputs=tuple(place[k] for k in self.tape.nodes[i].inputs))
            for i in order
        )
        names = {node.name for node in nodes if node.op == "input"}
        self.given = {name: how for name, how in self.given.items() if name in names}
        matrices = {node.name for node in nodes if node.op == "product"}
        x = next(spec for spec in self.graph.inputs if spec.name == "x")
        kept = [spec for name, spec in self.inputs.items() if name in names and name != "x"]
        return Graph(
            nodes=nodes,
            output=place[output],
            states={name: place[index] for name, index in states.items()},
            state_sizes={name: self.graph.state_sizes[name] for name in states},
            matrices={n: s for n, s in self.graph.matrices.items() if n in matrices},
            vectors={},
            inputs=(x, *kept),
        )

    # Values

    def _leaf(self, spec: Input) -> Value:
        self.inputs[spec.name] = spec
        level = Level.SEQUENCE if spec.per_sequence else Level.INPUT
        return self.tape.leaf("input", spec.name, spec.width, level)

    def _computed(self, name: str, index: int, compute: Compute) -> Value:
        """Return a further input: what `compute` makes of all values, as wide as node `index`."""
        node = self.graph.nodes[index]
        self.given[name] = compute
        return self._leaf(Input(name, node.width, per_sequence=node.level <= Level.SEQUENCE))

    def _held(self, index: int) -> Value:
        """Return a value as it was, through which no relevance flows."""
        node = self.graph.nodes[index]
        if node.op == "constant":
            return self.tape.constant(node.value)
        return self._computed(f"value_{index}", index, lambda values: values[index])

    def _whole(self, index: int) -> Value:
        """Return what carries a value's signal; of a constant, its value times the input one."""
        return self.found[index] if index in self.found else self._held(index) * self.one

    # Rules

    def _carried(self, index: int, node: Node) -> Value:
        """Return what carries the signal of a value that depends on the input."""
        match node.op:
            case "state":
                return self.tape.leaf("state", node.name, node.width, Level.STEP)
            case "input":
                return self._leaf(Input(node.name, node.width, differentiable=True))
            case "slice":
                return self._columns(self.found[node.inputs[0]], *node.span)
            case "product":
                (value,) = (self.found[i] for i in node.inputs)
                return self.tape.apply(
                    "product", value, width=node.width, name=node.name, span=node.span
                )
            case "add":
                return self._whole(node.inputs[0]) + self._whole(node.inputs[1])
            case "sub":
                return self._whole(node.inputs[0]) - self._whole(node.inputs[1])
            case "neg":
                return -self.found[node.inputs[0]]
            case "mul":
                return self._product(*node.inputs)
            case "div":
                return self._quotient(index, *node.inputs)
            case "where":
                condition, a, b = node.inputs
                return where(self._held(condition), self._whole(a), self._whole(b))
            case "maximum" | "minimum":
                return self._extreme(index, node)
            case "straight_through":
                return self._chord(index, node.inputs[1], None)
            case "sum":
                return total(self.found[node.inputs[0]])
            case "cumsum":
                return self.tape.apply("cumsum", self.found[node.inputs[0]])
            case "concat":
                return concat(*(self._widened(i) for i in node.inputs))
            case "standardise":
                return self._standardised(index, node.inputs[0])
        if node.op in CHORDS:
            return self._chord(index, node.inputs[0], FUNCTIONS[node.op])
        raise ConfigError(
            f"lrp: the operation {node.op!r} of the cell's equations has no rule; use ig"
        )

    def _widened(self, index: int) -> Value:
        """Return a value that takes part in a concatenation, where no width is broadcast."""
        value, width = self._whole(index), self.graph.nodes[index].width
        if value.width == width:
            return value
        zeros = self._computed(f"zeros_{index}", index, lambda v: torch.zeros_like(v[index]))
        return value + zeros

    def _columns(self, value: Value, start: int, stop: int) -> Value:
        """Return columns of a value; of products only the rows that are needed."""
        node = value.node
        if node.width == 1:
            return value
        if node.op == "product":
            rows = (node.span[0] + start, node.span[0] + stop)
            source = Value(self.tape, node.inputs[0])
            width = stop - start
            return self.tape.apply("product", source, width=width, name=node.name, span=rows)
        if node.op == "add":
            first, second = (Value(self.tape, i) for i in node.inputs)
            return self._columns(first, start, stop) + self._columns(second, start, stop)
        return value[start:stop]

    def _product(self, a: int, b: int) -> Value:
        if self.ranks[a] == self.ranks[b]:
            return 0.5 * (self.found[a] * self._held(b) + self.found[b] * self._held(a))
        carries, scales = (a, b) if self.ranks[a] > self.ranks[b] else (b, a)
        return self.found[carries] * self._held(scales)

    def _quotient(self, index: int, a: int, b: int) -> Value:
        if a not in self.found:
            return self._chord(index, b, None)
        inverse = self._computed(f"inverse_{b}", b, lambda values: 1.0 / values[b])
        return self.found[a] * inverse

    def _extreme(self, index: int, node: Node) -> Value:
        """Return the carrier of a limit as that of an activation, or of the value that is taken."""
        a, b = node.inputs
        function = FUNCTIONS[node.op]
        if b not in self.found:
            return self._chord(index, a, lambda v: function(v, 0 * v + self._bound(b)))
        if a not in self.found:
            return self._chord(index, b, lambda v: function(v, 0 * v + self._bound(a)))
        taken = self._computed(f"first_{index}", index, lambda v: (v[index] == v[a]).to(v[a]))
        return where(taken, self.found[a], self.found[b])

    def _bound(self, index: int) -> float:
        """Return a limit that is a number; another one counts as 0 for what is left at 0."""
        node = self.graph.nodes[index]
        return node.value if node.op == "constant" else 0.0

    def _chord(self, index: int, source: int, function: Callable[[Tensor], Tensor] | None) -> Value:
        """Return f(a) as slope · a + f(0), with the slope of the chord from 0; None: f(0) is 0."""
        name = f"slope_{index}"

        def offset(values: Values) -> Tensor:
            if function is None:
                return torch.zeros((), dtype=values[source].dtype, device=values[source].device)
            start: Tensor = function(torch.zeros_like(values[source][..., :1]))
            return torch.where(start.isfinite(), start, 0.0)

        def slope(values: Values) -> Tensor:
            a, y = values[source], values[index]
            is_small = a.abs() < _TINY
            return torch.where(is_small, 0.0, (y - offset(values)) / torch.where(is_small, 1.0, a))

        def rest(values: Values) -> Tensor:
            return values[index] - slope(values) * values[source]

        steep = self._computed(name, index, slope)
        return self.found[source] * steep + self._computed(f"rest_{index}", index, rest) * self.one

    def _standardised(self, index: int, source: int) -> Value:
        """Return a layer norm whose deviation is held (Ali et al., 2022)."""
        width = self.graph.nodes[source].width

        def inverse(values: Values) -> Tensor:
            a = values[source]
            deviation = (a.var(-1, keepdim=True, unbiased=False) + EPSILON).sqrt()
            return (1.0 / deviation).expand(a.shape)

        value = self.found[source]
        return (value - total(value) * (1.0 / width)) * self._computed(
            f"deviation_{index}", index, inverse
        )

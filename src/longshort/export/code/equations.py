"""A recurrent layer in one direction as a loop over time, from its cell's equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from longshort.engine.executors.numpy import FUNCTIONS
from longshort.engine.fuse import fuse
from longshort.engine.graph import Graph, Node, needed
from longshort.engine.ops import EPSILON
from longshort.engine.text import from_text
from longshort.engine.trace import with_ends
from longshort.errors import RunError
from longshort.export.code.arrays import Array, Builder, Known, Value
from longshort.export.code.loops import Expression, Loop, apply
from longshort.export.code.reductions import standardised
from longshort.export.code.rules import RULES, lowered

_EMPTY = np.zeros(0, np.float32)


def scan(
    b: Builder,
    equations: str,
    inputs: Sequence[Value],
    state: Sequence[Value],
    parameters: Sequence[Known],
    lengths: Value | None = None,
    *_: Any,
) -> list[Value]:
    """Write a scan; returns output [T, B, P], an empty tape, and the final states.

    The arguments are those of the operator `longshort::scan`.
    """
    graph = from_text(equations)
    given = dict(zip((each.name for each in graph.inputs), inputs, strict=True))
    before = dict(zip(graph.state_sizes, state, strict=True))
    weights = dict(zip([*graph.matrices, *graph.vectors], parameters, strict=True))
    steps = given["x"].shape[0]
    if lengths is not None and not _whole(lengths, steps):
        given["alive"] = _alive(b, lengths, given["x"].shape)
        graph = with_ends(graph)
    written = _Scan(b, graph, weights, given, before)
    return written.single() if steps == 1 else written.loop(steps)


def _whole(lengths: Value, steps: int) -> bool:
    return not isinstance(lengths, Array) and bool((lengths >= steps).all())


def _alive(b: Builder, lengths: Value, shape: Sequence[int]) -> Value:
    """Return 1 up to a sequence's end, 0 past it, [T, B, 1]."""
    steps = np.arange(shape[0])[:, None]
    wide = lowered(b, "expand", [lengths, [1, shape[1]]], {})
    alive = lowered(b, "gt.Tensor", [wide, steps], {})
    alive = lowered(b, "to.dtype", [alive, "float32"], {})
    found: Value = lowered(b, "unsqueeze", [alive, 2], {})
    return found


class _Scan:
    def __init__(
        self,
        b: Builder,
        graph: Graph,
        weights: Mapping[str, Known],
        inputs: Mapping[str, Value],
        state: Mapping[str, Value],
    ) -> None:
        self.b, self.graph, self.weights = b, graph, weights
        self.inputs, self.state = inputs, state
        self.nodes, place = fuse(graph.nodes, [graph.output, *graph.states.values()])
        self.output = place[graph.output]
        self.states = {name: place[index] for name, index in graph.states.items()}
        self.order = needed(self.nodes, (self.output, *self.states.values()))
        self.per_sequence = {each.name for each in graph.inputs if each.per_sequence}
        self.batch = inputs["x"].shape[1]

    def single(self) -> list[Value]:
        """Write one step."""
        given = {
            name: each if name in self.per_sequence else each[0]
            for name, each in self.inputs.items()
        }
        values = self._step(given, self.state)
        rows = self._rows(values[self.output], self.graph.output_size)
        output = lowered(self.b, "unsqueeze", [rows, 0], {})
        new = [
            self._rows(values[index], self.graph.state_sizes[name])
            for name, index in self.states.items()
        ]
        return [output, _EMPTY, *new]

    def loop(self, steps: int) -> list[Value]:
        """Write a loop over time."""
        b = self.b
        output = b.empty([steps, self.batch, self.graph.output_size])
        held = {name: b.empty([self.batch, size]) for name, size in self.graph.state_sizes.items()}
        for name, each in held.items():
            b.copy(self.state[name], each)
        t = b.fresh("t")
        moving = {
            name: each if name in self.per_sequence else b.array(each).along(t)
            for name, each in self.inputs.items()
        }
        with b.inside() as body:
            values = self._step(moving, held)
            b.copy(values[self.output], output.along(t))
            own = {each.buffer for each in held.values()}
            new = {name: values[index] for name, index in self.states.items()}
            for name, value in new.items():
                if isinstance(value, Array) and value.buffer in own:
                    new[name] = b.copy(value)
            for name, kept in held.items():
                b.copy(new[name], kept)
        b.statements.append(Loop(t, steps, tuple(body)))
        return [output, _EMPTY, *held.values()]

    def _rows(self, value: Value, width: int) -> Value:
        found: Value = lowered(self.b, "expand", [value, [self.batch, width]], {})
        return found

    def _step(self, given: Mapping[str, Value], state: Mapping[str, Value]) -> dict[int, Value]:
        values: dict[int, Value] = {}
        for index in self.order:
            node = self.nodes[index]
            match node.op:
                case "input":
                    values[index] = given[node.name]
                case "state":
                    values[index] = state[node.name]
                case _:
                    values[index] = self._value(node, [values[i] for i in node.inputs])
        return values

    def _value(self, node: Node, inputs: list[Value]) -> Value:
        match node.op:
            case "constant":
                return np.full(1, node.value, np.float32)
            case "vector":
                return self.weights[node.name]
            case "slice":
                return inputs[0][..., slice(*node.span)]
            case "expand":
                wide = [*inputs[0].shape[:-1], node.width]
                found: Value = lowered(self.b, "expand", [inputs[0], wide], {})
                return found
            case "product":
                return self._product(self.weights[node.name][slice(*node.span)], inputs)
        arrays = [each for each in inputs if isinstance(each, Array)]
        if not arrays:
            return np.asarray(FUNCTIONS[node.op](*inputs), np.float32)
        if node.op in _POINTWISE:
            compute = _POINTWISE[node.op]
            return self.b.map(compute, *(_number(each) for each in inputs))
        if node.op not in _ROWS:
            raise RunError(f"the operation {node.op} of a cell cannot be written as code")
        return _ROWS[node.op](self.b, *inputs)

    def _product(self, matrix: Known, inputs: list[Value]) -> Value:
        if not any(isinstance(each, Array) for each in inputs):
            found = inputs[0] @ matrix.T
            return found if len(inputs) < 2 else found + inputs[1]
        lead = "b" if len(inputs[0].shape) == 2 else ""
        return self.b.product(f"{lead}k,ok->{lead}o", inputs[0], matrix, *inputs[1:])


def _number(value: Value) -> Value | float:
    return float(value[0]) if not isinstance(value, Array) and value.shape == (1,) else value


def _softplus(a: Expression) -> Expression:
    rest = apply("exp", apply("negate", apply("absolute", a)))
    return apply("add", apply("max", a, 0.0), apply("log", apply("add", rest, 1.0)))


_POINTWISE: dict[str, Callable[..., Expression]] = {
    "add": lambda a, b: apply("add", a, b),
    "sub": lambda a, b: apply("sub", a, b),
    "mul": lambda a, b: apply("mul", a, b),
    "div": lambda a, b: apply("div", a, b),
    "neg": lambda a: apply("negate", a),
    "muladd": lambda a, b, c: apply("add", apply("mul", a, b), c),
    "sigmoid": lambda a: apply("sigmoid", a),
    "tanh": lambda a: apply("tanh", a),
    "relu": lambda a: apply("max", a, 0.0),
    "exp": lambda a: apply("exp", a),
    "log": lambda a: apply("log", a),
    "softplus": _softplus,
    "sqrt": lambda a: apply("root", a),
    "floor": lambda a: apply("floor", a),
    "maximum": lambda a, b: apply("max", a, b),
    "minimum": lambda a, b: apply("min", a, b),
    "greater_equal": lambda a, b: apply("max", apply("less", b, a), apply("equal", a, b)),
    "where": lambda c, a, b: apply("select", c, a, b),
    "straight_through": lambda a, _: a,
}
"""Each operation of equations on single elements."""


def _running(b: Builder, a: Array) -> Array:
    """Running sums over the columns, one after the other."""
    found = b.empty(a.shape)
    given = b.array(a)
    b.copy(given[..., :1], found[..., :1])
    for column in range(1, a.shape[-1]):
        here = slice(column, column + 1)
        b.map(
            lambda p, q: apply("add", p, q),
            found[..., column - 1 : column], given[..., here], into=found[..., here],
        )  # fmt: skip
    return found


_ROWS: dict[str, Callable[..., Array]] = {
    "sum": lambda b, a: RULES["sum.dim_IntList"](b, a, [-1], True),
    "max": lambda b, a: RULES["amax"](b, a, [-1], True),
    "cumsum": _running,
    "standardise": lambda b, a: standardised(b, a, [len(a.shape) - 1], EPSILON),
    "concat": lambda b, *parts: RULES["cat"](b, _same_rows(b, parts), -1),
}
"""Each operation of equations on whole rows."""


def _same_rows(b: Builder, parts: Sequence[Value]) -> list[Value]:
    rows = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return [lowered(b, "expand", [part, [*rows, part.shape[-1]]], {}) for part in parts]

"""The readable reference executor: a graph run step by step in numpy, forward and backward.

Shapes: inputs [T, B, W] or [B, W], states [B, W], matrices [rows, columns], vectors [W].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.engine.derive import Derived
from longshort.engine.executors.common.values import Values
from longshort.engine.graph import Graph, Level, Node, needed
from longshort.engine.ops import EPSILON

Array = NDArray[Any]
Arrays = dict[str, Array]


def _sigmoid(a: Array) -> Array:
    half: Array = np.tanh(0.5 * a)
    return 0.5 * (half + 1.0)


def _where(condition: Array, a: Array, b: Array) -> Array:
    return np.asarray(np.where(condition != 0, a, b))


def _inverse_deviation(a: Array) -> Array:
    variance: Array = a.var(-1, keepdims=True)
    scale: Array = 1 / np.sqrt(variance + EPSILON)
    return scale


def _standardise_gradient(d: Array, y: Array, scale: Array) -> Array:
    centred: Array = d - d.mean(-1, keepdims=True) - y * (d * y).mean(-1, keepdims=True)
    return centred * scale


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "muladd": lambda a, b, c: a * b + c,
    "sigmoid": _sigmoid,
    "sigmoid_gradient": lambda d, y: d * y * (1 - y),
    "tanh": np.tanh,
    "tanh_gradient": lambda d, y: d * (1 - y * y),
    "relu": lambda a: np.maximum(a, 0),
    "exp": np.exp,
    "log": np.log,
    "softplus": lambda a: np.logaddexp(a, 0),
    "sqrt": np.sqrt,
    "floor": np.floor,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "greater_equal": lambda a, b: (a >= b).astype(np.result_type(a, b)),
    "where": _where,
    "straight_through": lambda a, _: a,
    "sum": lambda a: a.sum(-1, keepdims=True),
    "max": lambda a: a.max(-1, keepdims=True),
    "cumsum": lambda a: a.cumsum(-1),
    "cumsum_reversed": lambda a: a[..., ::-1].cumsum(-1)[..., ::-1],
    "standardise": lambda a: (a - a.mean(-1, keepdims=True)) * _inverse_deviation(a),
    "inverse_deviation": _inverse_deviation,
    "standardise_gradient": _standardise_gradient,
    "concat": lambda *parts: np.concatenate(_same_rows(parts), -1),
}


def _same_rows(parts: Sequence[Array]) -> list[Array]:
    rows = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return [np.broadcast_to(part, (*rows, part.shape[-1])) for part in parts]


def evaluate(values: Values, parameters: Arrays) -> list[Array]:
    """Compute the targets of `values` from the parameters."""
    step = _Step(values.nodes, parameters, {})
    step.compute(values.order)
    return [step.values[index] for index in values.targets]


@dataclass(frozen=True)
class Trajectory:
    """Result of a forward scan: outputs [T, B, P], and the states before and after each step."""

    output: Array
    states: list[Arrays]

    @property
    def final(self) -> Arrays:
        """States after the last step."""
        return self.states[-1]


@dataclass(frozen=True)
class Gradients:
    """Gradients of all arguments of a scan."""

    state: Arrays
    inputs: Arrays
    parameters: Arrays


class _Step:
    """Values of one step, computed on demand, in order."""

    def __init__(self, nodes: tuple[Node, ...], parameters: Arrays, given: Arrays) -> None:
        self.nodes, self.parameters, self.given = nodes, parameters, given
        self.values: dict[int, Array] = {}

    def compute(self, order: list[int]) -> None:
        for index in order:
            if index not in self.values:
                self.values[index] = self._value(self.nodes[index])

    def _value(self, node: Node) -> Array:
        inputs = [self.values[i] for i in node.inputs]
        match node.op:
            case "constant":
                return np.asarray([node.value])
            case "vector":
                return self.parameters[node.name]
            case "input" | "state" | "output_gradient" | "state_gradient" | "gathered":
                return self.given[f"{node.op}:{node.name}"]
            case "slice":
                return inputs[0][..., slice(*node.span)]
            case "product":
                product: Array = inputs[0] @ self.parameters[node.name][slice(*node.span)].T
                return product + inputs[1] if len(inputs) > 1 else product
            case "product_transposed":
                return inputs[0] @ self.parameters[node.name][slice(*node.span)]
            case "expand":
                return np.broadcast_to(inputs[0], (*inputs[0].shape[:-1], node.width))
        return FUNCTIONS[node.op](*inputs)


def _leaves(graph: Graph, t: int, inputs: Arrays, state: Arrays) -> Arrays:
    given = {
        f"input:{spec.name}": inputs[spec.name] if spec.per_sequence else inputs[spec.name][t]
        for spec in graph.inputs
    }
    return given | {f"state:{name}": value for name, value in state.items()}


def forward(graph: Graph, parameters: Arrays, inputs: Arrays, state: Arrays) -> Trajectory:
    """Run all steps."""
    order = graph.needed(graph.output, *graph.states.values())
    outputs, states = [], [state]
    steps, batch = inputs["x"].shape[:2]
    for t in range(steps):
        step = _Step(graph.nodes, parameters, _leaves(graph, t, inputs, states[-1]))
        step.compute(order)
        outputs.append(_rows(step.values[graph.output], batch, graph.output_size))
        states.append(
            {
                name: _rows(step.values[index], batch, graph.state_sizes[name])
                for name, index in graph.states.items()
            }
        )
    empty = np.zeros((0, batch, graph.output_size), inputs["x"].dtype)
    return Trajectory(np.stack(outputs) if outputs else empty, states)


def _rows(value: Array, batch: int, width: int) -> Array:
    return np.array(np.broadcast_to(value, (batch, width)))


def backward(
    derived: Derived,
    parameters: Arrays,
    inputs: Arrays,
    trajectory: Trajectory,
    output_gradient: Array,
    final_gradient: Arrays,
) -> Gradients:
    """Backpropagation through time with the derived equations."""
    graph = derived.forward
    steps, batch = inputs["x"].shape[:2]
    found = {name: np.zeros_like(value) for name, value in parameters.items()}
    sums = [np.zeros(derived.nodes[index].width) for index in derived.gathered]
    input_gradients = {name: np.zeros_like(inputs[name]) for name in derived.inputs}
    back = dict(final_gradient)
    targets = [
        *derived.states.values(),
        *derived.inputs.values(),
        *derived.gathered,
        *(i for matrix in derived.matrices for i in (matrix.d, matrix.v)),
    ]
    order = needed(derived.nodes, tuple(targets))
    for t in range(steps - 1, -1, -1):
        given = _leaves(graph, t, inputs, trajectory.states[t])
        given |= {"output_gradient:y": output_gradient[t]}
        given |= {f"state_gradient:{name}": value for name, value in back.items()}
        step = _Step(derived.nodes, parameters, given)
        step.compute(order)
        values = step.values
        for matrix in derived.matrices:
            d = _rows(values[matrix.d], batch, derived.nodes[matrix.d].width)
            v = _rows(values[matrix.v], batch, derived.nodes[matrix.v].width)
            found[matrix.matrix][slice(*matrix.span)] += d.T @ v
        for total, index in zip(sums, derived.gathered, strict=True):
            total += _rows(values[index], batch, total.size).sum(0)
        for spec in graph.inputs:
            if spec.differentiable:
                d = _rows(values[derived.inputs[spec.name]], batch, spec.width)
                if spec.per_sequence:
                    input_gradients[spec.name] += d
                else:
                    input_gradients[spec.name][t] = d
        back = {
            name: _rows(values[index], batch, graph.state_sizes[name])
            for name, index in derived.states.items()
        }
    given = {f"gathered:{k}": total for k, total in enumerate(sums)}
    last = _Step(derived.nodes, parameters, given)
    last.compute(needed(derived.nodes, tuple(derived.results)))
    for matrix in derived.late:
        rows = found[matrix.matrix][slice(*matrix.span)]
        rows += last.values[matrix.d][..., None] * last.values[matrix.v]
    for name, index in derived.vectors.items():
        assert derived.nodes[index].level == Level.PARAMETER
        found[name] += last.values[index]
    return Gradients(back, input_gradients, found)

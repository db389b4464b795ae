"""The portable executor: a graph run with torch operations.

It supports every device and dtype, derivatives of any order, torch.func, vmap, torch.compile and
torch.export. Values that do not depend on the state are computed for all steps before the loop;
linear recurrences have no loop, see `engine.linear`. States between steps are float32 where the
layer is bfloat16 or float16.

Shapes: inputs [T, B, W] or [B, W], states [B, W], matrices [rows, columns], vectors [W].
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.engine.executors.common.contract import Job, Tensors, Trajectory
from longshort.engine.executors.common.plan import Plan, Solution, plan
from longshort.engine.graph import Graph, Node
from longshort.engine.linear import Recurrence
from longshort.engine.ops import EPSILON


def _maximum(a: Tensor, b: Tensor) -> Tensor:
    """Maximum; unlike in torch.maximum, the gradient goes to a where both are equal."""
    return torch.where(b > a, b, a)


def _minimum(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(b < a, b, a)


def _straight_through(value: Tensor, surrogate: Tensor) -> Tensor:
    return value.detach() + (surrogate - surrogate.detach())


def _softplus(a: Tensor) -> Tensor:
    """Softplus with full precision in float64, where torch's default is linear from 20 on."""
    return F.softplus(a, 1.0, 40.0)


def _greater_equal(a: Tensor, b: Tensor) -> Tensor:
    return (a >= b).to(torch.result_type(a, b))


def _concat(*parts: Tensor) -> Tensor:
    rows = max((part.shape[:-1] for part in parts), key=len)
    return torch.cat([part.expand(*rows, part.size(-1)) for part in parts], -1)


Values = dict[int, Tensor]
"""Values by the index of their node."""

FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "exp": torch.exp,
    "log": torch.log,
    "softplus": _softplus,
    "sqrt": torch.sqrt,
    "floor": torch.floor,
    "maximum": _maximum,
    "minimum": _minimum,
    "greater_equal": _greater_equal,
    "where": lambda condition, a, b: torch.where(condition != 0, a, b),
    "straight_through": _straight_through,
    "sum": lambda a: a.sum(-1, keepdim=True),
    "max": lambda a: a.detach().amax(-1, keepdim=True),
    "cumsum": lambda a: a.cumsum(-1),
    "standardise": lambda a: F.layer_norm(a, a.shape[-1:], eps=EPSILON),
    "concat": _concat,
}


def refusal(graph: Graph, dtype: torch.dtype, device: torch.device, want_states: bool) -> None:
    """Return None: it runs everything."""
    del graph, dtype, device, want_states


def execute(job: Job) -> Trajectory:
    """Run a job; ragged sequences by the input "alive"."""
    job = job.with_ends()
    ordered = job.plans[False]
    return _run(ordered, job.parameters, job.inputs, job.state, job.want_states, True)


def run(
    graph: Graph,
    parameters: Tensors,
    inputs: Tensors,
    state: Tensors,
    *,
    want_states: bool = True,
    parallel: bool = True,
) -> Trajectory:
    """Run all steps; `parallel` = False keeps the loop where a parallel scan is possible."""
    return _run(plan(graph), parameters, inputs, state, want_states, parallel)


def _run(
    ordered: Plan,
    parameters: Tensors,
    inputs: Tensors,
    state: Tensors,
    want_states: bool,
    parallel: bool,
) -> Trajectory:
    scan = _Scan(ordered, parameters, inputs, state)
    if parallel and ordered.solutions is not None and scan.steps:
        return scan.solve(ordered.solutions, ordered.rest)
    return scan.loop(want_states)


def every_value(graph: Graph, parameters: Tensors, inputs: Tensors, states: Tensors) -> Values:
    """Return every value [T, B, W] of the equations by node, for all steps at once.

    states [T, B, W]: those before each step, which have to be known. Values that are the same at
    all steps, or for all sequences, lack these axes.
    """
    scan = _Scan(plan(graph), parameters, inputs, {})
    leaves = {i: states[node.name] for i, node in enumerate(graph.nodes) if node.op == "state"}
    order = graph.needed(graph.output, *graph.states.values())
    values: Values = {index: leaves[index] for index in order if index in leaves}
    scan.compute([index for index in order if index not in leaves], values)
    return values


class _Scan:
    def __init__(self, ordered: Plan, parameters: Tensors, inputs: Tensors, state: Tensors) -> None:
        self.graph, self.plan = ordered.graph, ordered
        self.parameters, self.inputs = parameters, inputs
        x = inputs["x"]
        self.dtype, self.device = x.dtype, x.device
        self.steps, self.batch = x.shape[:2]
        half = x.dtype in (torch.bfloat16, torch.float16)
        self.wide = torch.float32 if half else x.dtype
        self.start = {name: value.to(self.wide) for name, value in state.items()}
        self.rows: dict[tuple[str, tuple[int, int]], Tensor] = {}

    def compute(self, order: list[int], values: dict[int, Tensor]) -> None:
        """Add the values of `order` to `values`."""
        for index in order:
            node = self.plan.nodes[index]
            inputs = [values[i] for i in node.inputs]
            function = FUNCTIONS.get(node.op)
            values[index] = self._special(node, inputs) if function is None else function(*inputs)

    def _special(self, node: Node, inputs: list[Any]) -> Tensor:
        match node.op:
            case "constant":
                return torch.full((1,), node.value, dtype=self.wide, device=self.device)
            case "vector":
                return self.parameters[node.name]
            case "input":
                return self.inputs[node.name]
            case "slice":
                piece: Tensor = inputs[0][..., node.span[0] : node.span[1]]
                return piece
            case "product":
                rows = self._rows_of(node)
                return F.linear(inputs[0].to(rows.dtype), rows)
        raise NotImplementedError(f"the torch executor has no operation {node.op!r}")

    def _rows_of(self, node: Node) -> Tensor:
        """Return a matrix's rows, sliced once and not at every step."""
        key = (node.name, node.span)
        if key not in self.rows:
            self.rows[key] = self.parameters[node.name][node.span[0] : node.span[1]]
        return self.rows[key]

    def _filled(self, value: Tensor, width: int, dtype: torch.dtype) -> Tensor:
        return value.to(dtype).expand(self.batch, width)

    def loop(self, want_states: bool) -> Trajectory:
        """Run step by step."""
        graph = self.graph
        whole: dict[int, Tensor] = {}
        self.compute(self.plan.before, whole)
        streams = {index: whole[index].unbind(0) for index in self.plan.streams}
        leaves = self.plan.leaves
        state, outputs = self.start, []
        every: dict[str, list[Tensor]] = {name: [] for name in state}
        for t in range(self.steps):
            values = whole | {index: stream[t] for index, stream in streams.items()}
            values |= {leaves[name]: value for name, value in state.items() if name in leaves}
            self.compute(self.plan.inside, values)
            outputs.append(self._filled(values[graph.output], graph.output_size, self.dtype))
            state = {
                name: self._filled(values[index], graph.state_sizes[name], self.wide)
                for name, index in graph.states.items()
            }
            if want_states:
                for name, value in state.items():
                    every[name].append(value.to(self.dtype))
        return Trajectory(
            output=self._stacked(outputs, graph.output_size),
            final={name: value.to(self.dtype) for name, value in state.items()},
            states={
                name: self._stacked(values, graph.state_sizes[name])
                for name, values in every.items()
                if want_states
            },
        )

    def _stacked(self, values: list[Tensor], width: int) -> Tensor:
        if values:
            return torch.stack(values)
        return torch.zeros(0, self.batch, width, dtype=self.dtype, device=self.device)

    def solve(self, solutions: list[Solution], rest: list[int]) -> Trajectory:
        """Compute all steps at once."""
        graph = self.graph
        values: dict[int, Tensor] = {}
        states = {}
        for solution in solutions:
            name = solution.recurrence.state
            self.compute(solution.order, values)
            new = self._solved(solution.recurrence, values)
            values[graph.states[name]] = new
            if solution.leaf is not None:
                values[solution.leaf] = torch.cat([self.start[name].unsqueeze(0), new[:-1]])
            states[name] = new.to(self.dtype)
        self.compute(rest, values)
        output = values[graph.output].to(self.dtype)
        return Trajectory(
            output=output.expand(self.steps, self.batch, graph.output_size),
            final={name: states[name][-1] for name in graph.states},
            states={name: states[name] for name in graph.states},
        )

    def _solved(self, recurrence: Recurrence, values: dict[int, Tensor]) -> Tensor:
        start = self.start[recurrence.state]
        shape = (self.steps, *start.shape)

        def coefficient(index: int | None) -> Tensor:
            if index is None:
                return torch.zeros(shape, dtype=self.wide, device=self.device)
            return values[index].to(self.wide).expand(shape)

        b = coefficient(recurrence.b)
        if recurrence.a is None:
            return b
        a = coefficient(recurrence.a)
        return parallel_scan(a, torch.cat([a[:1] * start + b[:1], b[1:]]))


def parallel_scan(a: Tensor, b: Tensor) -> Tensor:
    """Solve s_t = a_t s_(t-1) + b_t from s = 0 for all s [T, …], in 2 log2 T steps and O(T) work.

    Neighbours are combined to one recurrence of half the length, which gives every second state.
    """
    steps = b.size(0)
    if steps == 1:
        return b
    even, odd = slice(0, steps - 1, 2), slice(1, None, 2)
    second = parallel_scan(a[odd] * a[even], a[odd] * b[even] + b[odd])
    first = torch.cat([b[:1], a[2::2] * second[: (steps - 1) // 2] + b[2::2]])
    woven = torch.stack([first[: steps // 2], second], 1).flatten(0, 1)
    return woven if steps % 2 == 0 else torch.cat([woven, first[-1:]])

"""Reverse-mode differentiation of one step: the equations of backpropagation through time.

The derived graph continues the forward graph, so a gradient may use any of its values. It adds
leaves: "output_gradient" [B, P], "state_gradient" [B, W] for each state (from the next step),
"every_gradient" [B, W] for each state (of the states that are returned for every step, where that
was asked for), and "gathered" [W] (a gradient summed over time and batch).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from longshort.engine.graph import Graph, Level, Node, Tape, Value
from longshort.engine.ops import OPS, Passed, concat, total
from longshort.errors import ConfigError


@dataclass(frozen=True)
class MatrixGradient:
    """Gradient of rows `span` of a matrix: the outer product d vᵀ, summed over time and batch."""

    matrix: str
    span: tuple[int, int]
    d: int
    v: int


@dataclass(frozen=True)
class Derived:
    """The backward step; all integers are indices into `nodes`."""

    forward: Graph
    nodes: tuple[Node, ...]
    states: dict[str, int]
    """Gradients of the states before the step, by name."""
    inputs: dict[str, int]
    """Gradients of the differentiable inputs, by name."""
    matrices: tuple[MatrixGradient, ...]
    late: tuple[MatrixGradient, ...]
    """Gradients of matrices that multiply parameters: the outer product of two sums each."""
    gathered: tuple[int, ...]
    """Values to be summed over time and batch; the k-th sum is the leaf "gathered" k."""
    vectors: dict[str, int]
    """Gradients of parameter vectors, computed from the sums, by name."""

    @property
    def results(self) -> list[int]:
        """Values computed from the sums: gradients of vectors, then d and v of each of `late`."""
        return [*self.vectors.values(), *(i for m in self.late for i in (m.d, m.v))]


@lru_cache(maxsize=256)
def derive(graph: Graph, every_state: bool = False) -> Derived:
    """Differentiate one step.

    every_state: the states of every step are results, which have gradients of their own.
    """
    return _Reverse(graph).run(every_state)


class _Reverse:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tape = Tape(list(graph.nodes), {node: i for i, node in enumerate(graph.nodes)})
        self.sums: dict[int, Value] = {}
        self.parts: dict[int, list[tuple[tuple[int, int], Value]]] = {}
        self.matrices: list[MatrixGradient] = []
        self.gathered: list[int] = []
        self.leaves: dict[tuple[str, str], Value] = {}
        self.differentiable = _differentiable(graph)

    def run(self, every_state: bool) -> Derived:
        graph, tape = self.graph, self.tape
        self._receive(
            graph.output, tape.leaf("output_gradient", "y", graph.output_size, Level.STEP)
        )
        for name, index in graph.states.items():
            size = graph.state_sizes[name]
            self._receive(index, tape.leaf("state_gradient", name, size, Level.STEP))
            if every_state:
                self._receive(index, tape.leaf("every_gradient", name, size, Level.STEP))
        count = len(graph.nodes)
        for index in range(count - 1, -1, -1):
            if graph.nodes[index].level > Level.PARAMETER:
                self._propagate(index)
        self._gather(count)
        early = len(self.matrices)
        for index in range(count - 1, -1, -1):
            if graph.nodes[index].level == Level.PARAMETER:
                self._propagate(index)
        sizes = graph.state_sizes
        differentiable = {spec.name: spec.width for spec in graph.inputs if spec.differentiable}
        states = {name: self._leaf("state", name, size) for name, size in sizes.items()}
        inputs = {name: self._leaf("input", name, size) for name, size in differentiable.items()}
        vectors = {name: self._leaf("vector", name, size) for name, size in graph.vectors.items()}
        return Derived(
            forward=graph,
            nodes=tuple(tape.nodes),
            states=states,
            inputs=inputs,
            matrices=tuple(self.matrices[:early]),
            late=tuple(self.matrices[early:]),
            gathered=tuple(self.gathered),
            vectors=vectors,
        )

    def _leaf(self, op: str, name: str, width: int) -> int:
        found = self.leaves.get((op, name))
        return (found if found is not None else self._zeros(width)).index

    def _zeros(self, width: int) -> Value:
        return self._expand(self.tape.constant(0.0), width)

    def _expand(self, value: Value, width: int) -> Value:
        return value if value.width == width else self.tape.apply("expand", value, width=width)

    def _receive(self, index: int, d: Value) -> None:
        """Add a gradient of the value at `index`."""
        width = self.graph.nodes[index].width
        d = total(d) if width == 1 else self._expand(d, width)
        self.sums[index] = self.sums[index] + d if index in self.sums else d

    def _gradient(self, index: int) -> Value | None:
        """Return the sum of a value's gradients, with those of single columns put together."""
        pieces = sorted(self.parts.pop(index, []), key=lambda piece: piece[0])
        while pieces:
            row, rest, end = [], [], 0
            for span, d in pieces:
                if span[0] < end:
                    rest.append((span, d))
                    continue
                if span[0] > end:
                    row.append(self._zeros(span[0] - end))
                row.append(d)
                end = span[1]
            width = self.graph.nodes[index].width
            if end < width:
                row.append(self._zeros(width - end))
            self._receive(index, concat(*row))
            pieces = rest
        return self.sums.pop(index, None)

    def _propagate(self, index: int) -> None:
        d = self._gradient(index)
        node = self.graph.nodes[index]
        if d is None or node.op == "constant":
            return
        if node.op in ("state", "input", "vector"):
            self.leaves[node.op, node.name] = d
        elif node.op == "slice":
            self.parts.setdefault(node.inputs[0], []).append((node.span, d))
        elif node.op == "product":
            (v,) = node.inputs
            self.matrices.append(MatrixGradient(node.name, node.span, d.index, v))
            if v in self.differentiable:
                width = self.graph.nodes[v].width
                self._receive(
                    v,
                    self.tape.apply(
                        "product_transposed", d, width=width, name=node.name, span=node.span
                    ),
                )
        else:
            self._chain(index, node, d)

    def _chain(self, index: int, node: Node, d: Value) -> None:
        if node.op not in OPS:
            raise ConfigError(f"the operation {node.op!r} has no derivative")
        y = Value(self.tape, index)
        inputs = tuple(Value(self.tape, i) for i in node.inputs)
        parts = OPS[node.op].gradient(Passed(d, y, inputs))
        for i, part in zip(node.inputs, parts, strict=True):
            if part is not None and i in self.differentiable:
                self._receive(i, part)

    def _gather(self, count: int) -> None:
        """Add sums over time and batch of the gradients of parameter values, as leaves."""
        for index in range(count):
            if self.graph.nodes[index].level != Level.PARAMETER:
                continue
            d = self._gradient(index)
            if d is None or self.graph.nodes[index].op == "constant":
                continue
            summed = Node("gathered", (), d.width, Level.PARAMETER, str(len(self.gathered)))
            self.gathered.append(d.index)
            self.sums[index] = Value(self.tape, self.tape.add(summed))


def _differentiable(graph: Graph) -> set[int]:
    """Return the values that depend on a parameter, a state or a differentiable input."""
    free = {spec.name for spec in graph.inputs if spec.differentiable}
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if (
            node.op in ("state", "vector", "product")
            or (node.op == "input" and node.name in free)
            or found.intersection(node.inputs)
        ):
            found.add(index)
    return found

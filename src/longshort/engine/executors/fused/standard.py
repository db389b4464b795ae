"""Recognition of graphs that are exactly torch's LSTM, GRU or RNN, however they are written.

A graph and the kernel's equations are brought to a normal form: sums and products without order and
parentheses, slices only of single products and leaves. Equal forms have equal numbers in a table.
Projections are excluded, because oneDNN has none and warns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.engine.graph import Graph, Value
from longshort.engine.ops import relu, sigmoid, tanh
from longshort.engine.parameters import Map, Sizes, Vector
from longshort.engine.trace import Mode, State, trace


def kernel_of(graph: Graph) -> str | None:
    """Return torch's function for this graph: "lstm", "gru", "rnn_tanh", "rnn_relu", or None."""
    if {spec.name for spec in graph.inputs} != {"x"} or "h" not in graph.states:
        return None
    mode = Mode(bias="bias_ih" in graph.vectors)
    sizes = Sizes(graph.inputs[0].width, max(graph.state_sizes.values()))
    for kernel in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        if _same(graph, trace(_Kernel(kernel), sizes, mode)):
            return kernel
    return None


def _same(a: Graph, b: Graph) -> bool:
    if (a.state_sizes, a.matrices, a.vectors) != (b.state_sizes, b.matrices, b.vectors):
        return False
    table: dict[Form, int] = {}
    first, second = _Normal(a, table), _Normal(b, table)
    if first.of(a.output) != second.of(b.output):
        return False
    return all(first.of(a.states[name]) == second.of(b.states[name]) for name in a.states)


Form = tuple[Any, ...]


class _Normal:
    """Normal forms of a graph's values, as numbers in a table."""

    def __init__(self, graph: Graph, table: dict[Form, int]) -> None:
        self.nodes, self.table = graph.nodes, table
        self.known: dict[tuple[int, int, int], int] = {}

    def of(self, index: int) -> int:
        """Return the number of a value's form."""
        return self.part(index, 0, self.nodes[index].width)

    def part(self, index: int, start: int, stop: int) -> int:
        """Return the number of the form of some columns."""
        key = (index, start, stop)
        if key not in self.known:
            form = self._form(index, start, stop)
            self.known[key] = self.table.setdefault(form, len(self.table))
        return self.known[key]

    def _form(self, index: int, start: int, stop: int) -> Form:
        node = self.nodes[index]
        match node.op:
            case "slice":
                source, first = node.inputs[0], node.span[0]
                return self._form(source, first + start, first + stop)
            case "product":
                first = node.span[0]
                return "product", node.name, first + start, first + stop, self.of(node.inputs[0])
            case "constant":
                return "constant", node.value
            case "add" | "mul":
                return node.op, *sorted(self._terms(node.op, index, start, stop))
            case "state" | "input" | "vector":
                return node.op, node.name, start, stop
            case "sub" | "sigmoid" | "tanh" | "relu":
                return node.op, *(self._argument(i, start, stop) for i in node.inputs)
        return "foreign", node.op, index, start, stop

    def _argument(self, index: int, start: int, stop: int) -> int:
        return self.of(index) if self.nodes[index].width == 1 else self.part(index, start, stop)

    def _terms(self, op: str, index: int, start: int, stop: int) -> list[int]:
        """Return the operands of nested sums or products."""
        node = self.nodes[index]
        if node.op == "slice":
            return self._terms(op, node.inputs[0], node.span[0] + start, node.span[0] + stop)
        if node.op != op:
            return [self._argument(index, start, stop)]
        return [term for i in node.inputs for term in self._terms(op, i, start, stop)]


@dataclass(frozen=True)
class _Kernel:
    """The equations that torch documents for its kernels."""

    name: str

    GATES: ClassVar[dict[str, tuple[str, ...]]] = {
        "lstm": ("i", "f", "g", "o"),
        "gru": ("r", "z", "n"),
    }

    def maps(self, n: Sizes) -> dict[str, Map]:
        gates = self.GATES.get(self.name, ("h",))
        size = len(gates) * n.hidden
        return {"ih": Map(n.input, size, gates=gates), "hh": Map(n.hidden, size, gates=gates)}

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        del n
        return {}

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        return dict.fromkeys(("h", "c") if self.name == "lstm" else ("h",), n.hidden)

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        a, b = p.ih(x), p.hh(s.h)
        if self.name == "lstm":
            z = a + b
            c = sigmoid(z.f) * s.c + sigmoid(z.i) * tanh(z.g)
            h = sigmoid(z.o) * tanh(c)
            return h, State(h=h, c=c)
        if self.name == "gru":
            r, z = sigmoid(a.r + b.r), sigmoid(a.z + b.z)
            h = (1 - z) * tanh(a.n + r * b.n) + z * s.h
            return h, State(h=h)
        h = relu(a + b) if self.name == "rnn_relu" else tanh(a + b)
        return h, State(h=h)

"""Fusion of equations, so that fewer passes over memory compute them.

A sum becomes a chain: the terms that vary least come first, a matrix product starts from the sum
before it, and a product of two vectors is a fused multiply-add. So W x + R h + b is one product
over all time that starts from b, and one product per step that starts from the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from longshort.engine.graph import Level, Node, Tape, Value, needed

PRODUCTS = ("product", "product_transposed")
GATED = {"sigmoid_gradient": "gated_sigmoid_gradient", "tanh_gradient": "gated_tanh_gradient"}
"""Gradients that can take a product of two vectors in one pass."""


def fuse(nodes: Sequence[Node], roots: Sequence[int]) -> tuple[tuple[Node, ...], dict[int, int]]:
    """Return the rewritten nodes, and the new indices of `roots` and of all values that remain."""
    return _Fusion(nodes, roots).run()


class _Fusion:
    def __init__(self, nodes: Sequence[Node], roots: Sequence[int]) -> None:
        self.nodes = nodes
        self.order = needed(nodes, tuple(roots))
        self.uses = Counter(i for index in self.order for i in nodes[index].inputs)
        self.uses.update(roots)
        self.tape = Tape()
        self.place: dict[int, int] = {}
        self.absorbed: set[int] = set()
        self.terms: dict[int, list[int]] = {}

    def run(self) -> tuple[tuple[Node, ...], dict[int, int]]:
        for index in reversed(self.order):
            if self.nodes[index].op == "add" and index not in self.absorbed:
                self.terms[index] = self._flatten(index)
        for index in self.order:
            node = self.nodes[index]
            if node.op in GATED and self._alone(node.inputs[0], node.width, ("mul",)):
                self.absorbed.add(node.inputs[0])
        for index in self.order:
            if index in self.terms:
                self.place[index] = self._sum(index)
            elif index not in self.absorbed:
                self.place[index] = self._copy(index)
        return tuple(self.tape.nodes), self.place

    def _flatten(self, index: int) -> list[int]:
        width, terms = self.nodes[index].width, []
        for i in self.nodes[index].inputs:
            if self._alone(i, width, ("add",)):
                self.absorbed.add(i)
                terms += self._flatten(i)
                continue
            if self._alone(i, width, (*PRODUCTS, "mul")):
                self.absorbed.add(i)
            terms.append(i)
        return terms

    def _alone(self, index: int, width: int, ops: Sequence[str]) -> bool:
        """Whether a value is one of these operations and has no other user."""
        node = self.nodes[index]
        return node.op in ops and self.uses[index] == 1 and node.width == width

    def _copy(self, index: int) -> int:
        node = self.nodes[index]
        if node.op in GATED and node.inputs[0] in self.absorbed:
            return self._gated(node)
        inputs = tuple(self.place[i] for i in node.inputs)
        level = max((self.tape.nodes[i].level for i in inputs), default=node.level)
        fixed = (node.op, inputs, node.width, max(level, node.level), node.name, node.span)
        return self.tape.add(Node(*fixed, node.value))

    def _gated(self, node: Node) -> int:
        """Return the gradient of a multiplied gate as one operation, (d · other) · its slope."""
        factors = self.nodes[node.inputs[0]].inputs
        inputs = [self._value(i) for i in (*factors, node.inputs[1])]
        return self.tape.apply(GATED[node.op], *inputs, width=node.width).index

    def _value(self, index: int) -> Value:
        return Value(self.tape, self.place[index])

    def _sum(self, index: int) -> int:
        terms = self.terms[index]
        width = self.nodes[index].width
        total: Value | None = None
        for level in Level:
            here = [i for i in terms if self.nodes[i].level == level]
            for i in sorted(here, key=lambda i: self.nodes[i].op in PRODUCTS):
                total = self._join(total, i, width)
        assert total is not None
        return total.index

    def _join(self, total: Value | None, index: int, width: int) -> Value:
        node = self.nodes[index]
        if index not in self.absorbed:
            return self._value(index) if total is None else total + self._value(index)
        inputs = [self._value(i) for i in node.inputs]
        if total is None:
            name, span = node.name, node.span
            return self.tape.apply(node.op, *inputs, width=node.width, name=name, span=span)
        if node.op == "mul":
            return self.tape.apply("muladd", *inputs, total, width=width)
        if total.width < width:
            total = self.tape.apply("expand", total, width=width)
        return self.tape.apply(node.op, *inputs, total, width=width, name=node.name, span=node.span)

"""A cell's equations without their matrix products, which something else computes.

Each product becomes an input of the graph. What is left is pointwise over rows, so a row may be a
sequence, or one place of a map whose products are convolutions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from longshort.engine.graph import Graph, Input, Level, Node, Tape
from longshort.engine.text import shared
from longshort.errors import ArgumentError


@dataclass(frozen=True)
class Product:
    """A product that is left out: rows `span` of a matrix times the input x or a state.

    name: of the input that takes its result. of: "x", or the name of the state. width: of the
    result.
    """

    name: str
    matrix: str
    span: tuple[int, int]
    of: str
    width: int

    @property
    def is_of_input(self) -> bool:
        """Whether it needs no state, so that it can be computed for all steps at once."""
        return self.of == "x"


@dataclass(frozen=True)
class Pointwise:
    """Equations without products; `graph` has an input for each of `products`.

    reads_input: whether they use x beside its products.
    """

    graph: Graph
    products: tuple[Product, ...]
    reads_input: bool


def without_products(graph: Graph, placed: Collection[str] = ()) -> Pointwise:
    """Return the equations with an input in the place of each product.

    placed: names of vectors that differ from row to row; they become inputs [B, W] too. The first
    input is "x": what the cell is given, or where only products use it the first of these. Raises
    `ArgumentError` for equations that multiply anything but the input and states by a matrix.
    """
    used = graph.needed(graph.output, *graph.states.values())
    direct = {i for k in used if graph.nodes[k].op != "product" for i in graph.nodes[k].inputs}
    inputs = {i: graph.nodes[i].name for i in direct if graph.nodes[i].op == "input"}
    reads_input = "x" in inputs.values()
    products = _products(graph, used, reads_input)
    tape, places = Tape(), dict[int, int]()
    for index in used:
        node = graph.nodes[index]
        if index in products:
            node = Node("input", (), node.width, Level.INPUT, products[index].name)
        elif node.op == "vector" and node.name in placed:
            node = Node("input", (), node.width, Level.SEQUENCE, node.name)
        elif node.op == "input" and index not in inputs:
            continue
        operands = tuple(places[i] for i in node.inputs)
        level = max((tape.nodes[i].level for i in operands), default=node.level)
        places[index] = tape.add(replace(node, inputs=operands, level=level))
    specs = [spec for spec in graph.inputs if spec.name in inputs.values()]
    specs += [Input(each.name, each.width, differentiable=True) for each in products.values()]
    specs += [
        Input(name, size, per_sequence=True, differentiable=True)
        for name, size in graph.vectors.items()
        if name in placed
    ]
    rest = Graph(
        nodes=tuple(tape.nodes),
        output=places[graph.output],
        states={name: places[index] for name, index in graph.states.items()},
        state_sizes=graph.state_sizes,
        matrices={},
        vectors={name: size for name, size in graph.vectors.items() if name not in placed},
        inputs=tuple(specs),
    )
    return Pointwise(shared(rest), tuple(products.values()), reads_input)


def _products(graph: Graph, used: list[int], reads_input: bool) -> dict[int, Product]:
    """Return the products among these values, by their indices."""
    found: dict[int, Product] = {}
    for index in used:
        node = graph.nodes[index]
        if node.op != "product":
            continue
        operand = graph.nodes[node.inputs[0]]
        if operand.op not in ("input", "state"):
            raise ArgumentError(
                f"{node.name}: multiplies what the cell computes within a step; only products of "
                "the input and of states can be convolutions (such as GRU's with reset='after')"
            )
        name = f"product_{len(found)}" if found or reads_input else "x"
        found[index] = Product(name, node.name, node.span, operand.name, node.width)
    return found

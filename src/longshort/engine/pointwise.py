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

    name: of the input that takes its result; of products with the same name it takes the sum. of:
    "x", or the name of the state. width: of the result.
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
    """Equations without products; `graph` has an input for each name among `products`.

    reads_input: whether they use x beside its products.
    """

    graph: Graph
    products: tuple[Product, ...]
    reads_input: bool


def without_products(graph: Graph, placed: Collection[str] = ()) -> Pointwise:
    """Return the equations with an input in the place of each product.

    Products that only meet in one sum have one input, which takes their sum. placed: names of
    vectors that differ from row to row; they become inputs [B, W] too. The first input is "x": what
    the cell is given, or where only products use it the first of these. Raises `ArgumentError` for
    equations that multiply anything but the input and states by a matrix.
    """
    used = graph.needed(graph.output, *graph.states.values())
    direct = {i for k in used if graph.nodes[k].op != "product" for i in graph.nodes[k].inputs}
    inputs = {i: graph.nodes[i].name for i in direct if graph.nodes[i].op == "input"}
    reads_input = "x" in inputs.values()
    products = _products(graph, used, reads_input)
    widths = {each.name: each.width for each in products.values()}
    tape, places = Tape(), dict[int, int]()
    taken: set[str] = set()
    for index in used:
        node = graph.nodes[index]
        if index in products:
            name = products[index].name
            if name in taken:
                continue  # it is in the sum already
            taken.add(name)
            node = Node("input", (), node.width, Level.INPUT, name)
        elif node.op == "vector" and node.name in placed:
            node = Node("input", (), node.width, Level.SEQUENCE, node.name)
        elif node.op == "input" and index not in inputs:
            continue
        operands = tuple(places[i] for i in node.inputs if i in places)
        if len(operands) < len(node.inputs):  # a sum of which a product was taken out
            if operands:
                places[index] = operands[0]
            continue
        level = max((tape.nodes[i].level for i in operands), default=node.level)
        places[index] = tape.add(replace(node, inputs=operands, level=level))
    specs = [spec for spec in graph.inputs if spec.name in inputs.values()]
    specs += [Input(name, width, differentiable=True) for name, width in widths.items()]
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
    names: dict[int, str] = {}
    sums = _sums(graph, used)
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
        fresh = f"product_{len(names)}" if names or reads_input else "x"
        name = names.setdefault(sums[index], fresh)
        found[index] = Product(name, node.name, node.span, operand.name, node.width)
    return found


def _sums(graph: Graph, used: list[int]) -> dict[int, int]:
    """Return the last sum of each product that uses it and nothing else of it; itself if none."""
    users: dict[int, list[int]] = {index: [] for index in used}
    for index in used:
        for operand in graph.nodes[index].inputs:
            users[operand].append(index)
    ends = {graph.output, *graph.states.values()}
    found = {}
    for product in used:
        index, width = product, graph.nodes[product].width
        while index not in ends and len(users[index]) == 1:
            (user,) = users[index]
            if graph.nodes[user].op != "add" or graph.nodes[user].width != width:
                break
            index = user
        found[product] = index
    return found

"""Equations without their products: the same results once the products are put in."""

from __future__ import annotations

import pytest
import torch

from longshort import cells
from longshort.cells import Cell, Sizes
from longshort.engine.executors import torch as portable
from longshort.engine.pointwise import without_products
from longshort.engine.trace import Mode, trace
from longshort.errors import ArgumentError

SIZES = Sizes(3, 4)
FIT = [
    cells.LSTM(),
    cells.LSTM(peephole=True, couple="f=1-i"),
    cells.LSTM(layer_norm="ba2016"),
    cells.GRU(),
    cells.RNN(),
    cells.JANET(),
]


@pytest.mark.parametrize("cell", FIT, ids=repr)
def test_a_step_is_the_same_with_the_products_given(cell: Cell) -> None:
    graph = trace(cell, SIZES, Mode())
    draw = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    parameters = {name: random(*shape) for name, shape in graph.matrices.items()}
    parameters |= {name: random(size) for name, size in graph.vectors.items()}
    state = {name: random(5, width) for name, width in graph.state_sizes.items()}
    x = random(1, 5, SIZES.input)
    rest = without_products(graph)
    given = {"x": x} if rest.reads_input else {}
    for each in rest.products:
        operand = x[0] if each.is_of_input else state[each.of]
        rows = parameters[each.matrix][each.span[0] : each.span[1]]
        given[each.name] = given.get(each.name, 0.0) + (operand @ rows.T)[None]
    vectors = {name: parameters[name] for name in rest.graph.vectors}
    whole = portable.run(graph, parameters, {"x": x}, state)
    found = portable.run(rest.graph, vectors, given, state)
    torch.testing.assert_close(found.output, whole.output, rtol=0, atol=1e-12)
    for name, value in whole.final.items():
        torch.testing.assert_close(found.final[name], value, rtol=0, atol=1e-12)


def test_nothing_is_multiplied_by_a_matrix_any_more() -> None:
    rest = without_products(trace(cells.LSTM(), SIZES, Mode()))
    assert not rest.graph.matrices
    assert not [node for node in rest.graph.nodes if node.op == "product"]
    assert [each.of for each in rest.products] == ["x", "h"]


def test_products_that_only_meet_in_a_sum_have_one_input() -> None:
    """Those of an LSTM do; of a GRU the reset gate comes between, so there are two."""
    lstm, gru = (without_products(trace(c, SIZES, Mode())) for c in (cells.LSTM(), cells.GRU()))
    assert [each.name for each in lstm.products] == ["x", "x"]
    assert [spec.name for spec in lstm.graph.inputs] == ["x"]
    assert [each.name for each in gru.products] == ["x", "product_1"]


def test_placed_vectors_are_inputs_of_each_row() -> None:
    graph = trace(cells.LSTM(peephole=True), SIZES, Mode())
    rest = without_products(graph, ["peephole_i"])
    assert "peephole_i" not in rest.graph.vectors and "peephole_f" in rest.graph.vectors
    (placed,) = [spec for spec in rest.graph.inputs if spec.per_sequence]
    assert (placed.name, placed.width, placed.differentiable) == ("peephole_i", 4, True)


@pytest.mark.parametrize("cell", [cells.GRU(reset="before"), cells.LSTM(projection=2)], ids=repr)
def test_products_of_what_a_step_computes_are_refused(cell: Cell) -> None:
    with pytest.raises(ArgumentError, match=r"multiplies what the cell computes within a step"):
        without_products(trace(cell, SIZES, Mode()))

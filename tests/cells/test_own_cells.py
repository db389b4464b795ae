"""A user's own cell: every mistake in it is explained when it is traced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from longshort import cells, nn
from longshort.cells import Cell, Map, Sizes, State, Value, Vector
from longshort.cells.describe import describe
from longshort.engine import ops
from longshort.engine.trace import Mode, trace
from longshort.errors import ConfigError


class Own(Cell):
    """A user's cell, with whatever step a test gives it."""

    gates: ClassVar[tuple[str, ...]] = ("f", "g")

    def __init__(self, step: Callable[[Value, Any, Any], Any]) -> None:
        self.given = step

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        return {"gain": Vector(n.hidden)}

    def step(self, x: Value, s: Any, p: Any) -> Any:
        return self.given(x, s, p)


def _branching(x: Value, s: Any, p: Any) -> Any:
    return (s.h, s) if s.h else (x, s)


def _comparing(x: Value, s: Any, p: Any) -> Any:
    return (s.h, s) if s.h > 0 else (x, s)


def _equalling(x: Value, s: Any, p: Any) -> Any:
    return (s.h, s) if s.h == 0 else (2 * s.h, s)


NOTHING: Any = 0.0
MISTAKES: list[tuple[Callable[[Value, Any, Any], Any], str]] = [
    (lambda x, s, p: (s.h, State(h=s.h, c=s.h)), "Own: step must return the states h, got h, c"),
    (lambda x, s, p: (s.h, State()), "must return the states h, got none"),
    (lambda x, s, p: (s.h, s.h), r"step must return \(output, State\(...\)\)"),
    (lambda x, s, p: s.h, r"step must return \(output, State\(...\)\)"),
    (lambda x, s, p: None, r"step must return \(output, State\(...\)\)"),
    (lambda x, s, p: (1.0, State(h=s.h)), "step must return .*output"),
    (lambda x, s, p: (s.h, State(h=x)), "the state h has 4 columns, step returned 3"),
    (lambda x, s, p: (s.h, State(h=NOTHING)), "the state h has 4 columns, step returned float"),
    (lambda x, s, p: (s.c, State(h=s.h)), "the state 'c' is not declared; this cell's states: h"),
    (lambda x, s, p: p.hh(x), "cell Own: p.hh takes 4 columns, got 3"),
    (lambda x, s, p: p.gian * s.h, "the parameter 'gian' is not declared; did you mean 'gain'"),
    (lambda x, s, p: p.ih["o"](x), r"p.ih\['o'\]: take neighbouring gates of f, g"),
    (lambda x, s, p: x + s.h, "add: the operands have 3 and 4 columns"),
    (lambda x, s, p: s.h[4:], "columns 4:4 of 4 are none"),
    (lambda x, s, p: s.h[0], r"value\[start:stop\]"),
    (lambda x, s, p: list(s.h), "cannot be iterated"),
    (_branching, "cannot compare or branch on a value; use .*where"),
    (_comparing, "cannot compare or branch on a value; use .*where"),
    (_equalling, "cannot compare or branch on a value; use .*where"),
    (lambda x, s, p: ops.where(s.h != 0, s.h, 1.0), "cannot compare or branch on a value"),
    (lambda x, s, p: s.h**2, "has no powers; multiply it"),
    (lambda x, s, p: s.h @ s.h, "no matrix products; declare a Map"),
    (lambda x, s, p: s.h % 2, r"use mod\(a, b\)"),
    (lambda x, s, p: abs(s.h), r"use absolute\(a\)"),
    (lambda x, s, p: len(s.h), "number of columns is value.width"),
    (lambda x, s, p: math.tanh(s.h), "longshort.engine.ops, not those of math"),
    (lambda x, s, p: np.tanh(s.h), "Own: operand .*; a step computes with .*longshort.engine.ops"),
    (lambda x, s, p: torch.tanh(s.h), "cannot call torch's tanh; use .*longshort.engine.ops"),
    (lambda x, s, p: torch.ones(4) * s.h, "cannot call torch's mul"),
    (lambda x, s, p: ops.sigmoid(NOTHING) * s.h, "sigmoid takes values of the step, got float"),
    (lambda x, s, p: ops.concat(), "concat takes values of the step, got nothing"),
    (lambda x, s, p: p.ih(NOTHING), "Own: p.ih takes a value of the step, got float"),
    (lambda x, s, p: (s.h, State(s.h)), r"by name, such as State\(h=h\)"),
    (lambda x, s, p: s.h * np.ones(4), "computes with its own values and numbers, got ndarray"),
    (lambda x, s, p: np.ones(4) * s.h, "computes with its own values and numbers, got ndarray"),
    (lambda x, s, p: s.h + torch.ones(4), "computes with its own values and numbers, got Tensor"),
    (lambda x, s, p: ops.activation("sine")(s.h), "activation 'sine' is not known"),
]


@pytest.mark.parametrize("step, message", MISTAKES, ids=[m[:45] for _, m in MISTAKES])
def test_mistakes_in_a_step_are_explained(step: Callable[..., Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trace(Own(step), Sizes(3, 4))


@pytest.mark.parametrize("name", ["maximum", "minimum", "greater_equal"])
def test_a_number_may_come_first(name: str) -> None:
    def step(x: Value, s: Any, p: Any) -> Any:
        return (one := getattr(ops, name)(0.5, s.h)), State(h=one)

    graph = trace(Own(step), Sizes(3, 4))
    first, second = graph.nodes[graph.output].inputs
    assert (graph.nodes[first].value, graph.nodes[second].op) == (0.5, "state")


class Declaring(Own):
    """A user's cell, with whatever parameters and states a test declares."""

    def __init__(self, **declared: Any) -> None:
        super().__init__(lambda x, s, p: (s.h, s))
        self.declared = declared

    def maps(self, n: Sizes) -> dict[str, Map]:
        return self.declared.get("maps", super().maps(n))

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        return self.declared.get("vectors", super().vectors(n))

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        return self.declared.get("states", super().state_sizes(n))


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"maps": {"input": Map(3, 4)}}, "Declaring: the parameter 'input': .* another meaning"),
        ({"maps": {"zone": Map(3, 4)}}, "the parameter 'zone'"),
        ({"vectors": {"drop": Vector(4)}}, "the parameter 'drop': .* choose another one"),
        ({"vectors": {"in put": Vector(4)}}, "a name as of a Python variable is expected"),
        ({"maps": {"up": Map(3, 8, gates=("width", "b"))}}, "the map 'up': the gate 'width'"),
        ({"maps": {"up": Map(3, 8, gates=("tape", "b"))}}, "the gate 'tape'"),
        ({"maps": {"up": Map(3, 8, gates=("b", "b"))}}, "gates must differ, got b, b"),
        ({"maps": {"up": Map(3, 5, gates=("a", "b"))}}, "a multiple of its 2 gates, got 5"),
        ({"maps": {"up": Map(3, 0)}}, "'up': outputs must be a whole number from 1, got 0"),
        ({"maps": {"up": (3, 4)}}, r"the map 'up': Map\(...\) is expected, got \(3, 4\)"),
        ({"maps": {"up": Map(3, 4)}, "vectors": {"up": Vector(4)}}, "two parameters .* 'up'"),
        ({"vectors": {"weight_ih": Vector(4)}}, "two parameters are called 'weight_ih'"),
        ({"vectors": {"gain": 0.5}}, r"the vector 'gain': Vector\(...\) is expected, got 0.5"),
        ({"vectors": {"gain": Vector(4, NOTHING)}}, r"starts as: Start\(...\) is expected"),
        ({"states": {"h": 2.0}}, "the state 'h': size must be a whole number from 1, got 2.0"),
        ({"states": {"h.1": 2}}, "the state 'h.1': a name as of a Python variable"),
    ],
    ids=str,
)
def test_declarations_that_cannot_be_meant_are_refused(
    declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        trace(Declaring(**declared), Sizes(3, 4))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (cells.GRU, r"an instance is expected, got the class; write GRU\(...\)"),
        ("LSTM", "subclass of longshort.cells.Cell, is expected, got 'LSTM'"),
        (torch.nn.LSTMCell(2, 3), r"is expected, got LSTMCell\(2, 3\)"),
    ],
    ids=str,
)
def test_what_is_no_cell_is_refused(cell: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        nn.Recurrent(cell, 2, 3, recurrent_dropout="semeniuta:.2")
    with pytest.raises(ConfigError, match=message):
        describe(cell, Sizes(2, 3))


def test_an_unknown_gate_names_the_gates() -> None:
    with pytest.raises(ConfigError, match="Own: no gate 'i' in this value; its gates: f, g"):
        trace(Own(lambda x, s, p: p.ih(x).i), Sizes(3, 4))


def test_zoneout_of_an_unknown_state_is_refused() -> None:
    with pytest.raises(ConfigError, match="zoneout: cell GRU has no state 'c'"):
        trace(cells.GRU(), Sizes(3, 4), Mode(zoneout=(("c", 0.5),)))


def test_a_cell_without_equations_says_so() -> None:
    with pytest.raises(ConfigError, match="cell Cell: its step has no equations"):
        trace(Cell(), Sizes(3, 4))

"""The contract of a cell: names, sizes, parameters, and the equations of one step."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from longshort.engine.graph import Value
from longshort.engine.parameters import Map, Sizes, Start, Vector
from longshort.engine.trace import Parameters, State
from longshort.errors import ArgumentTypeError

__all__ = ["Cell", "Map", "Parameters", "Sizes", "Start", "State", "Value", "Vector"]


class Cell:
    """A recurrent cell: its equations, from which everything else is derived.

    A subclass defines `gates`, `state` and `step`. By default it has two linear maps, `p.ih` (I →
    G·H) and `p.hh` (H → G·H), whose results have the gates as attributes, and states of size H.
    `step` uses the functions of `longshort.engine.ops` and plain arithmetic; it is traced when a
    layer is built, and the layer keeps these equations. Options are best fields of a frozen
    dataclass.
    """

    gates: ClassVar[tuple[str, ...]] = ("h",)
    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = ""
    """Paper of the equations."""
    gate_bias: ClassVar[dict[str, Start]] = {}
    """Initial biases of gates, where they are not 0."""
    chrono: ClassVar[tuple[str | None, str | None]] = (None, None)
    """Gate that remembers and gate that takes in, for the chrono initialisation."""

    @property
    def name(self) -> str:
        """The cell's name."""
        return type(self).__name__

    def gate_names(self) -> tuple[str, ...]:
        """Return the names of the gates that this cell has with its options."""
        return self.gates

    def maps(self, n: Sizes) -> dict[str, Map]:
        """Return the linear maps by name: "ih" has the parameters weight_ih and bias_ih."""
        gates = self.gate_names()
        size = len(gates) * n.hidden
        return {
            "ih": Map(n.input, size, gates=gates),
            "hh": Map(n.hidden, size, bias=False, gates=gates, recurrent=True),
        }

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """Return the parameter vectors by name."""
        del n
        return {}

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """Return the widths of the states by name."""
        return dict.fromkeys(self.state, n.hidden)

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations: from input [B, I], old state and parameters to output and new state."""
        raise NotImplementedError("its step has no equations")

    def parameter_shapes(self, n: Sizes) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all parameters: weight_*, bias_*, and the vectors."""
        shapes: dict[str, tuple[int, ...]] = {}
        maps = self.maps(n)
        for name, declared in maps.items():
            shapes[f"weight_{name}"] = (declared.outputs, declared.inputs)
        for name, declared in maps.items():
            if declared.bias:
                shapes[f"bias_{name}"] = (declared.outputs,)
        return shapes | {name: (vector.size,) for name, vector in self.vectors(n).items()}

    def parameter_count(self, n: Sizes) -> int:
        """Return the number of parameters; a bias that only adds to another one is not counted."""
        maps = self.maps(n).values()
        weights = sum(m.inputs * m.outputs for m in maps)
        biases = sum(m.outputs for m in maps if m.bias and not m.redundant_bias)
        return weights + biases + sum(v.size for v in self.vectors(n).values())

    def description(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(type(self)) or "").partition("\n")[0]


def check_cell(cell: object) -> None:
    """Raise `ArgumentTypeError` for an object that is not a cell, such as a class of cells."""
    if isinstance(cell, type) and issubclass(cell, Cell):
        raise ArgumentTypeError(
            f"cell: an instance is expected, got the class; write {cell.__name__}(...)"
        )
    if not isinstance(cell, Cell):
        raise ArgumentTypeError(
            "cell: one of longshort.cells, or your own subclass of longshort.cells.Cell, is "
            f"expected, got {cell!r}"
        )

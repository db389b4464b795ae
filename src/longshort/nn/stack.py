"""The equations of a stack of layers, with the widths and names that follow from them."""

from __future__ import annotations

from longshort.cells import Cell, Sizes
from longshort.engine.scan import Traced
from longshort.engine.trace import Mode


class Stack:
    """A cell, traced for every layer.

    A row is one layer in one direction, as in states [L·D, B, W]. sizes: those of the first layer;
    merge: as in `LayerOptions`. A stack is immutable, so copies of a layer share it.
    """

    def __init__(
        self, cell: Cell, sizes: Sizes, mode: Mode, num_layers: int, directions: int, merge: str
    ) -> None:
        self.cell, self.bias, self.directions = cell, mode.bias, directions
        self.layers: list[Traced] = []
        self.states: dict[str, int] = {}
        """Widths of the states, each that of the widest layer."""
        self.has_shortcut = False
        """Whether some layer's input and output have the same width."""
        for _ in range(num_layers):
            same = [traced for traced in self.layers if traced.sizes == sizes]
            traced = same[0] if same else Traced(cell, sizes, mode)
            for name, width in traced.state_sizes.items():
                self.states[name] = max(width, self.states.get(name, 0))
            self.layers.append(traced)
            width = traced.output_size * (directions if merge == "concat" else 1)
            self.has_shortcut |= width == sizes.input
            sizes = Sizes(width, sizes.hidden)
        self.output_size = sizes.input
        self.graphs = tuple(layer.graph for layer in self.layers)
        """Equations of each layer in a plain call."""
        self.rows = range(num_layers * directions)

    def __deepcopy__(self, memo: dict[int, object]) -> Stack:
        """Return itself, since it is immutable."""
        return self

    def traced(self, row: int) -> Traced:
        """Return the traced equations of a row."""
        return self.layers[row // self.directions]

    def suffix(self, row: int) -> str:
        """Return the suffix of the names of a row's parameters, as in torch."""
        layer, direction = divmod(row, self.directions)
        return f"_l{layer}" + ("_reverse" if direction else "")

    def parameter_shapes(self, row: int) -> dict[str, tuple[int, ...]]:
        """Return shapes by the cell's names, in torch's order: a projection follows the biases."""
        sizes = self.traced(row).sizes
        shapes, maps = self.cell.parameter_shapes(sizes), self.cell.maps(sizes)
        first = [name for name, declared in maps.items() if declared.bias or declared.recurrent]
        biases = [f"bias_{name}" for name, declared in maps.items() if declared.bias and self.bias]
        others = [f"weight_{name}" for name in maps if name not in first]
        order = [*(f"weight_{name}" for name in first), *biases, *others]
        return {name: shapes[name] for name in [*order, *self.cell.vectors(sizes)]}

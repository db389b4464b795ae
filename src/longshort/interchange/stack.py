"""A recurrent layer as plain data; the only module that knows the internals of `Recurrent`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from longshort import cells
from longshort.cells import Cell
from longshort.engine.executors.fused.standard import kernel_of
from longshort.engine.graph import Graph
from longshort.engine.parameters import Sizes
from longshort.errors import ConfigError
from longshort.interchange.described import Array, Arrays, Described
from longshort.nn.layers import GRU, LSTM, RNN
from longshort.nn.recurrent import Recurrent

KINDS: dict[type[Cell], str] = {cells.LSTM: "LSTM", cells.GRU: "GRU", cells.RNN: "RNN"}
KERNELS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {"activations": ("sigmoid", "tanh", "tanh")}),
    "gru": ("GRU", {"activation": "tanh", "reset": "after"}),
    "rnn_tanh": ("RNN", {"activation": "tanh"}),
    "rnn_relu": ("RNN", {"activation": "relu"}),
}
"""torch's functions: the cells that have their equations, with options."""
ALWAYS = ("activations", "activation", "reset")
"""Options that are always written, since defaults of other libraries differ."""


@dataclass(frozen=True)
class Stack:
    """L layers of one cell in D directions, with copies of the weights."""

    cell: Cell
    input_size: int
    hidden_size: int
    layers: int
    directions: int
    bias: bool
    batch_first: bool
    merge: str
    residual: bool
    learned: bool
    """Whether the initial state is a parameter."""
    graphs: tuple[Graph, ...]
    """Equations of each layer in evaluation mode."""
    zoneout: bool
    arrays: Arrays
    """Parameters by the layer's own names."""
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, layer: Recurrent) -> Stack:
        """Return the data of a layer."""
        if not isinstance(layer, Recurrent):
            raise ConfigError(
                f"layer: one of ls.nn.LSTM, GRU, RNN or Recurrent is expected, got "
                f"{type(layer).__name__}"
            )
        dtype = next(layer.parameters()).dtype
        if dtype not in (torch.float32, torch.float64):
            raise ConfigError(
                f"layer: float32 or float64 is expected, got {dtype}; convert it with .float()"
            )
        arrays = {
            name: tensor.detach().cpu().numpy().copy() for name, tensor in _tensors(layer).items()
        }
        return cls(
            cell=layer.cell,
            input_size=layer.input_size,
            hidden_size=layer.hidden_size,
            layers=layer.num_layers,
            directions=2 if layer.bidirectional else 1,
            bias=layer.bias,
            batch_first=layer.batch_first,
            merge=layer.merge,
            residual=layer.residual,
            learned=layer.learn_initial_state,
            graphs=layer.stack.graphs,
            zoneout=bool(layer.stack.layers[0].mode.zoneout),
            arrays=arrays,
            dtype=next(iter(arrays.values())).dtype,
        )

    @property
    def kind(self) -> str | None:
        """ "LSTM", "GRU", "RNN", or None for other equations."""
        return KINDS.get(type(self.cell)) or KERNELS.get(self._kernel() or "", (None,))[0]

    def _kernel(self) -> str | None:
        """Torch's function with these equations, which also recognises users' own cells."""
        graph = self.graphs[0]
        return None if "weight_hr" in graph.matrices else kernel_of(graph)

    @property
    def state_sizes(self) -> dict[str, int]:
        """Width of each state: that of the widest layer; narrower ones are padded with 0."""
        found = [self.widths(place) for place in range(self.layers)]
        return {key: max(widths[key] for widths in found) for key in found[0]}

    def widths(self, place: int) -> dict[str, int]:
        """Return the width of each state of one layer."""
        return self.graphs[place].state_sizes

    def sizes(self, place: int) -> Sizes:
        """Return input size and hidden size of the layer at `place` of the stack."""
        return Sizes(self.output_size if place else self.input_size, self.hidden_size)

    @property
    def output_size(self) -> int:
        """Columns of each layer's output, both directions merged."""
        return self.graphs[0].output_size * (self.directions if self.merge == "concat" else 1)

    def _part(self, place: int, direction: int) -> Arrays:
        end = f"_l{place}" + ("_reverse" if direction else "")
        return {
            name.removesuffix(end): array
            for name, array in self.arrays.items()
            if name.endswith(end)
        }

    def parameters(self, place: int, direction: int) -> Arrays:
        """Return the parameters of one layer in one direction, by the cell's names."""
        shapes = self.cell.parameter_shapes(self.sizes(place))
        return {k: v for k, v in self._part(place, direction).items() if k in shapes}

    def initial(self, state: str, place: int) -> Array:
        """Return the initial state of a layer, [D, 1, W]."""
        if not self.learned:
            return np.zeros((self.directions, 1, self.widths(place)[state]), self.dtype)
        parts = [self._part(place, one)[f"initial_{state}"] for one in range(self.directions)]
        return np.stack(parts)[:, None]

    def options(self) -> dict[str, Any]:
        """Return the cell's options that are not the default, and those in `ALWAYS`."""
        if dataclasses.is_dataclass(self.cell):
            return {
                field.name: getattr(self.cell, field.name)
                for field in dataclasses.fields(self.cell)
                if field.name in ALWAYS or getattr(self.cell, field.name) != field.default
            }
        return {}

    def described(self, place: int) -> Described:
        """Return one layer in the common form; it must be an LSTM, GRU or RNN."""
        if self.kind is None:
            raise ConfigError(f"the cell {self.cell.name} is none of LSTM, GRU and RNN")
        weights = tuple(self.parameters(place, direction) for direction in range(self.directions))
        own = type(self.cell) in KINDS
        options = self.options() if own else dict(KERNELS[self._kernel() or ""][1])
        return Described(self.kind, options, weights, self.batch_first, self.merge)


def _tensors(layer: Recurrent) -> dict[str, torch.Tensor]:
    """Return weights and initial states as the layer uses them, also computed ones.

    Weight norm and pruning store their own parameters under other names.
    """
    found: dict[str, torch.Tensor] = {}
    for row, names in enumerate(layer._names):
        found |= {name: getattr(layer, name) for name in names.values()}
        for state, tensor in layer._learned(row).items():
            found[f"initial_{state}{layer.stack.suffix(row)}"] = tensor
    return found


def layer_of(one: Described) -> Recurrent:
    """Return a layer with this cell and these weights."""
    hidden, options = one.hidden_size, dict(one.options)
    kept: dict[str, Any] = {
        "bias": "bias_ih" in one.weights[0],
        "batch_first": one.batch_first,
        "bidirectional": len(one.weights) == 2,
        "merge": one.merge,
        "dtype": torch.from_numpy(one.weights[0]["weight_ih"]).dtype,
    }
    layer: Recurrent
    if one.kind == "LSTM":
        layer = LSTM(one.input_size, hidden, **options, **kept)
    elif one.kind == "RNN":
        layer = RNN(
            one.input_size, hidden, nonlinearity=options.pop("activation"), **options, **kept
        )
    elif options["activation"] == "tanh":
        del options["activation"]
        layer = GRU(one.input_size, hidden, **options, **kept)
    else:
        layer = Recurrent(cells.GRU(**options), one.input_size, hidden, **kept)
    _load(layer, one)
    return layer


def _load(layer: Recurrent, one: Described) -> None:
    """Load weights; a second bias that the cell does not have is added to the first."""
    wanted = layer.state_dict()
    found: dict[str, torch.Tensor] = {}
    for end, part in zip(("_l0", "_l0_reverse"), one.weights, strict=False):
        arrays = dict(part)
        if "bias_hh" in arrays and f"bias_hh{end}" not in wanted:
            arrays["bias_ih"] = arrays["bias_ih"] + arrays.pop("bias_hh")
        found |= {name + end: torch.tensor(array) for name, array in arrays.items()}
    layer.load_state_dict(found)

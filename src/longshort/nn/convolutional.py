"""Recurrent layers over maps: the equations of any cell, with convolutions as matrix products.

Letters: T time steps, B batch, I channels of the input, H of the hidden state, L layers, Y rows and
X columns of a map, K size of a kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple, TypedDict, Unpack, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.cells import Cell, Sizes
from longshort.cells.contract import check_cell
from longshort.cells.gru import GRU
from longshort.cells.lstm import LSTM
from longshort.engine.executors.common.contract import Job, Tensors
from longshort.engine.executors.common.plan import plan
from longshort.engine.pointwise import Pointwise, Product, without_products
from longshort.engine.scan import check_backend, execute
from longshort.engine.trace import Mode, trace
from longshort.errors import ArgumentError, ArgumentTypeError, TensorError
from longshort.nn.arguments import check_flags, check_sizes
from longshort.nn.initialise import initialise

PRECISIONS = ("float32", "bfloat16")


class MapOptions(TypedDict, total=False):
    """Keyword options of layers over maps, as `ConvRecurrent` describes them."""

    bias: bool
    batch_first: bool
    size: tuple[int, int] | None
    precision: str
    init: str
    backend: str


class ConvRecurrent(nn.Module):
    """A stack of layers of one cell over maps [Y, X] (ConvLSTM: Shi et al., 2015, eq. 3).

    A product of the cell is a convolution that keeps the size of the map; all else in its equations
    is computed at each place by itself. So every cell will do whose matrices multiply the input
    and states alone. Products of the input are computed for all steps at once.

    kernel_size: odd sizes of the convolutions over the input and over the states, or one for both.
    bias: as in the cell. batch_first: x is [B, T, I, Y, X]. size: rows and columns of the maps,
    for vectors of the cell such as peepholes, which then differ from place to place, as in the
    paper; without it they are the same at all places, and maps may have any size. precision: of
    the operands of convolutions in training; with "bfloat16" sums, gates and states stay as they
    are, and so do evaluation and inference. init, backend: as in `Recurrent`.

    Parameters have the names of `Recurrent`, weights the shape [outputs, inputs, K, K].
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        kernel_size: int | tuple[int, int] = 3,
        num_layers: int = 1,
        *,
        bias: bool = True,
        batch_first: bool = False,
        size: tuple[int, int] | None = None,
        precision: str = "float32",
        init: str = "recommended",
        backend: str = "auto",
    ) -> None:
        super().__init__()
        check_cell(cell)
        check_sizes(input_size, hidden_size, num_layers)
        check_flags(bias=bias, batch_first=batch_first)
        check_backend(backend)
        if precision not in PRECISIONS:
            raise ArgumentError(
                f"precision: {' or '.join(PRECISIONS)} is expected, got {precision!r}"
            )
        self.cell, self.bias, self.batch_first = copy(cell), bias, batch_first
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.kernels = _kernels(kernel_size)
        self.size = None if size is None else _map_size(size)
        self.precision, self.init, self.backend = precision, init, backend
        self.layers: list[Pointwise] = []
        inputs = input_size
        for layer in range(num_layers):
            self._add_layer(Sizes(inputs, hidden_size), layer)
            inputs = self.layers[layer].graph.output_size
        self.output_size = inputs
        self.reset_parameters()

    def _add_layer(self, sizes: Sizes, layer: int) -> None:
        graph = trace(self.cell, sizes, Mode(bias=self.bias))
        placed = [] if self.size is None else list(self._vectors(sizes))
        self.layers.append(without_products(graph, placed))
        for name, shape in self._shapes(sizes).items():
            self.register_parameter(f"{name}_l{layer}", nn.Parameter(torch.empty(shape)))

    def _vectors(self, sizes: Sizes) -> list[str]:
        """Return the names of vectors that a fixed size of the maps gives each place of its own."""
        return [name for name in self.cell.vectors(sizes) if name.startswith("peephole")]

    def _shapes(self, sizes: Sizes) -> dict[str, tuple[int, ...]]:
        """Return the shapes of a layer's parameters by name."""
        found: dict[str, tuple[int, ...]] = {}
        recurrent = {f"weight_{name}" for name, m in self.cell.maps(sizes).items() if m.recurrent}
        for name, shape in self.cell.parameter_shapes(sizes).items():
            if name.startswith("weight_"):
                kernel = self.kernels[name in recurrent]
                shape = (*shape, kernel, kernel)
            elif name.startswith("bias_") and not self.bias:
                continue
            elif self.size is not None and name in self._vectors(sizes):
                shape = (*shape, *self.size)
            found[name] = shape
        return found

    def _sizes(self, layer: int) -> Sizes:
        inputs = self.layers[layer - 1].graph.output_size if layer else self.input_size
        return Sizes(inputs, self.hidden_size)

    def _weights(self, layer: int) -> Tensors:
        names = self._shapes(self._sizes(layer))
        return {name: cast(Tensor, getattr(self, f"{name}_l{layer}")) for name in names}

    def reset_parameters(self) -> None:
        """Initialise all weights anew, by the option `init`, each kernel as one matrix."""
        for layer in range(self.num_layers):
            matrices = {
                name: weight.detach().flatten(1) if weight.dim() == 4 else weight.detach()
                for name, weight in self._weights(layer).items()
            }
            initialise(self.cell, self._sizes(layer), matrices, self.init)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run over whole sequences of maps.

        x [T, B, I, Y, X], or [B, T, I, Y, X] batch first. state: that before the first step, [L, B,
        H, Y, X], or a tuple of them in the cell's order; None: zeros. Returns the output [T, B, H,
        Y, X] in the form of x, and the final state. Raises `TensorError`.
        """
        self._check(x)
        x = x.transpose(0, 1) if self.batch_first else x
        given = self._given(state, x)
        finals = []
        for layer in range(self.num_layers):
            before = None if given is None else {n: each[layer] for n, each in given.items()}
            x, final = self._run(layer, x, before)
            finals.append(final)
        joined = tuple(torch.stack([one[name] for one in finals]) for name in finals[0])
        output = x.transpose(0, 1) if self.batch_first else x
        return output, joined if len(joined) > 1 else joined[0]

    def step(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Take one step: x [B, I, Y, X] and the state in, the output and the state out."""
        time = 1 if self.batch_first else 0
        output, after = self(x.unsqueeze(time), state)
        return output.squeeze(time), after

    def flops(self, rows: int, columns: int) -> int:
        """Return the floating point operations of a step of all layers on one sequence's maps.

        A multiplication and an addition count as two; those of the pointwise equations are left
        out.
        """
        weights = (
            each for layer in range(self.num_layers) for each in self._weights(layer).values()
        )
        return sum(2 * each.numel() for each in weights if each.dim() == 4) * rows * columns

    def extra_repr(self) -> str:
        """Return the cell, the sizes and the kernels."""
        kernels = f"kernel_size={self.kernels}, num_layers={self.num_layers}"
        return f"{self.cell.name}, {self.input_size}, {self.hidden_size}, {kernels}"

    def _check(self, x: Tensor) -> None:
        order = "[B, T, I, Y, X]" if self.batch_first else "[T, B, I, Y, X]"
        expected = f"x: maps {order} with I = {self.input_size} are expected, got"
        if not isinstance(x, Tensor):
            raise ArgumentTypeError(f"{expected} {type(x).__name__}")
        if x.dim() != 5 or x.size(2) != self.input_size or 0 in x.shape:
            raise TensorError(f"{expected} the shape {list(x.shape)}")
        if self.size is not None and tuple(x.shape[-2:]) != self.size:
            raise TensorError(
                f"x: maps of {self.size[0]} x {self.size[1]} places are expected, for which the "
                f"layer has vectors of their own, got {x.size(-2)} x {x.size(-1)}"
            )

    def _given(self, state: Any, x: Tensor) -> Tensors | None:
        """Return the state by name, each [L, B, H, Y, X]; raises `TensorError` for other shapes."""
        if state is None:
            return None
        sizes = self.layers[0].graph.state_sizes
        parts = state if isinstance(state, (tuple, list)) else (state,)
        wanted = {n: (self.num_layers, x.size(1), w, *x.shape[-2:]) for n, w in sizes.items()}
        got = [tuple(each.shape) for each in parts if isinstance(each, Tensor)]
        if got != list(wanted.values()):
            raise TensorError(
                f"state: tensors of the shapes {list(wanted.values())} are expected, got {got}"
            )
        return dict(zip(sizes, parts, strict=True))

    def _run(self, layer: int, x: Tensor, before: Tensors | None) -> tuple[Tensor, Tensors]:
        """Run one layer over x [T, B, I, Y, X]; returns the output and the final states."""
        places = _Places(x.size(0), x.size(1), x.size(3), x.size(4))
        weights, equations = self._weights(layer), self.layers[layer]
        x = x.to(next(iter(weights.values())).dtype)
        run = _Run(equations, weights, places, self.precision if self.training else "float32")
        early = run.early(x)
        rows = None if before is None else {n: _rows(each) for n, each in before.items()}
        outputs = []
        for each in early:
            found = execute(run.job(each, rows), self.backend)
            rows = found.final
            outputs.append(found.output)
        assert rows is not None
        output = places.maps(torch.cat(outputs))
        return output, {name: places.map(each) for name, each in rows.items()}


class ConvLSTM(ConvRecurrent):
    """ConvLSTM (Shi et al., 2015): `ConvRecurrent` with an LSTM, whose forget bias starts at 1.

    `peephole`: gates see the cell, as in the paper, where each place has weights of its own (give
    `size`). For other options of the LSTM give the cell to `ConvRecurrent`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        kernel_size: int | tuple[int, int] = 3,
        num_layers: int = 1,
        *,
        peephole: bool = False,
        **options: Unpack[MapOptions],
    ) -> None:
        cell = LSTM(peephole=peephole)
        super().__init__(cell, input_size, hidden_size, kernel_size, num_layers, **options)


class ConvGRU(ConvRecurrent):
    """ConvGRU: `ConvRecurrent` with a GRU whose reset gate comes after the product."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        kernel_size: int | tuple[int, int] = 3,
        num_layers: int = 1,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(GRU(), input_size, hidden_size, kernel_size, num_layers, **options)


class _Places(NamedTuple):
    """The sizes of maps over time, and how maps and rows of places become each other."""

    steps: int
    batch: int
    rows: int
    columns: int

    def map(self, values: Tensor) -> Tensor:
        """Return maps [B, W, Y, X] of rows [B · Y · X, W]; a view, with channels last in memory."""
        return values.view(self.batch, self.rows, self.columns, -1).permute(0, 3, 1, 2)

    def maps(self, values: Tensor) -> Tensor:
        """Return maps [T, B, W, Y, X] of rows [T, B · Y · X, W]."""
        shape = (self.steps, self.batch, self.rows, self.columns, values.size(-1))
        return values.view(shape).permute(0, 1, 4, 2, 3)

    def repeated(self, vector: Tensor) -> Tensor:
        """Return rows [B · Y · X, W] of a vector of each place, [W, Y, X]."""
        places = vector.permute(1, 2, 0).flatten(0, 1)
        return places.expand(self.batch, *places.shape).flatten(0, 1)


def _rows(maps: Tensor) -> Tensor:
    """Return rows [B · Y · X, W] of maps [B, W, Y, X]."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


class _Run:
    """One layer's run: its kernels and vectors prepared, and the jobs of single steps."""

    def __init__(
        self, equations: Pointwise, weights: Tensors, places: _Places, precision: str
    ) -> None:
        self.graph, self.products = equations.graph, equations.products
        self.reads_input, self.places = equations.reads_input, places
        self.kind = torch.bfloat16 if precision == "bfloat16" else None
        self.kernels = {
            each: self._operand(weights[each.matrix][each.span[0] : each.span[1]])
            for each in self.products
        }
        self.vectors = {name: weights[name] for name in self.graph.vectors}
        self.placed = {
            spec.name: places.repeated(weights[spec.name])
            for spec in self.graph.inputs
            if spec.per_sequence
        }
        self.plans = {False: plan(self.graph)}

    def _operand(self, maps: Tensor) -> Tensor:
        found = maps if self.kind is None else maps.to(self.kind)
        return found.contiguous(memory_format=torch.channels_last)

    def _product(self, each: Product, maps: Tensor) -> Tensor:
        """Return a convolution of maps [N, W, Y, X] as rows [N · Y · X, W']."""
        kernel = self.kernels[each]
        found = F.conv2d(self._operand(maps), kernel, padding=kernel.size(-1) // 2)
        return _rows(found).to(maps.dtype)

    def early(self, x: Tensor) -> list[Tensors]:
        """Return all that needs no state, step by step: rows [1, B · Y · X, W] by name."""
        every = x.flatten(0, 1)
        found: Tensors = {}
        for each in self.products:
            if each.is_of_input:
                _add(found, each.name, self._product(each, every))
        if self.reads_input:
            found["x"] = _rows(every)
        count = self.places.steps
        steps = {n: rows.view(count, 1, -1, rows.size(-1)).unbind() for n, rows in found.items()}
        return [dict(zip(steps, each, strict=True)) for each in zip(*steps.values(), strict=True)]

    def job(self, early: Tensors, rows: Tensors | None) -> Job:
        """Return a step as a scan over rows of places, whose inputs hold the products.

        rows: the states before it, [B · Y · X, W]; None: they are zeros, and so are their products.
        """
        like = next(iter(early.values()))
        inputs = early | self.placed
        for each in self.products:
            if each.is_of_input:
                continue
            if rows is not None:
                found = self._product(each, self.places.map(rows[each.of]))
                _add(inputs, each.name, found.unsqueeze(0))
            elif each.name not in inputs:
                inputs[each.name] = like.new_zeros(1, like.size(1), each.width)
        state = rows or {
            name: like.new_zeros(like.size(1), width)
            for name, width in self.graph.state_sizes.items()
        }
        return Job(self.plans, self.vectors, inputs, state)


def _add(values: Tensors, name: str, value: Tensor) -> None:
    """Add a value to the one of that name, if there is one."""
    values[name] = values[name] + value if name in values else value


def _kernels(given: int | Sequence[int]) -> tuple[int, int]:
    """Return the kernels' sizes over the input and over the states."""
    sizes = (given, given) if isinstance(given, int) else tuple(given)
    if len(sizes) != 2 or any(not isinstance(k, int) or k < 1 or k % 2 == 0 for k in sizes):
        raise ArgumentError(
            "kernel_size: an odd number, or two (over the input and over states), is expected, "
            f"got {given!r}"
        )
    return sizes[0], sizes[1]


def _map_size(given: Sequence[int]) -> tuple[int, int]:
    sizes = tuple(given)
    if len(sizes) != 2 or any(not isinstance(each, int) or each < 1 for each in sizes):
        raise ArgumentError(f"size: rows and columns of the maps are expected, got {given!r}")
    return sizes[0], sizes[1]

"""Stacks of any recurrent cell, in one or two directions.

Letters: T time steps, B batch, I input size, H hidden size (P where projected), W width of a state,
L layers, D directions.
"""

from __future__ import annotations

import inspect
import math
import warnings
from copy import copy
from dataclasses import is_dataclass
from typing import Any, Unpack, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from longshort.cells import Cell, Sizes
from longshort.engine.executors.common.contract import Tensors, Trajectory
from longshort.engine.executors.common.observed import observed
from longshort.engine.scan import MISSING, check_backend, has_native, report, scan
from longshort.errors import ArgumentError, ArgumentTypeError, BackendError, TensorError
from longshort.nn.arguments import (
    Shape,
    check_dtype,
    check_flags,
    check_lengths,
    check_memory,
    check_merge,
    check_packed,
    check_rate,
    check_reset,
    check_segments,
    check_sizes,
    mode_of,
    one_of,
)
from longshort.nn.initialise import initialise
from longshort.nn.options import LayerOptions, chosen, shows_options
from longshort.nn.stack import Stack
from longshort.nn.weights import check_weights

if has_native():
    from longshort.engine.executors.native.inference import PackedStack
    from longshort.engine.executors.native.streaming import stack_step


class Recurrent(nn.Module):
    """A stack of layers of one cell; see `longshort.cells` for cells, or write your own.

    `bias`, `batch_first`, `dropout` (between layers, in training) and `bidirectional` are as in
    torch; for the options by keyword see `longshort.nn.LayerOptions`.

    Parameters have the cell's names with the suffix `_l{k}`, and `_reverse` in the other direction.
    The state is a tensor [L·D, B, W], or a tuple of them in the cell's order if it has several;
    narrower states of single layers, such as those of the input's size, are padded with 0.
    """

    scan = staticmethod(scan)
    """What runs one layer in one direction; an instance may have another one, to look inside."""

    @shows_options
    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__()
        check_sizes(input_size, hidden_size, num_layers)
        check_flags(bias=bias, batch_first=batch_first, bidirectional=bidirectional)
        check_dtype(dtype)
        # Later changes of the cell do not change this layer, whose equations are fixed.
        self.cell = copy(cell)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout = check_rate("dropout", dropout)
        self._choose(chosen(type(self).__name__, options))
        self.stack = self._stacked_cell()
        self.output_size = self.stack.output_size
        self._random = bool(self.stack.layers[0].random or self.dropout or self.weight_dropout)
        odd = self.residual or self.learn_initial_state
        self._direct = has_native() and self.backend in ("auto", "native") and not odd
        self._names = [
            {name: name + self.stack.suffix(row) for name in self.stack.parameter_shapes(row)}
            for row in self.stack.rows
        ]
        self._add_parameters(device, dtype)
        self.reset_parameters()
        if self.dropout and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} lies between layers and does nothing with num_layers=1",
                stacklevel=2,
            )

    def _choose(self, given: LayerOptions) -> None:
        """Store the options, and check those that do not depend on the cell."""
        check_flags(residual=given["residual"], learn_initial_state=given["learn_initial_state"])
        check_merge(given["merge"])
        check_backend(given["backend"])
        self.merge, self.residual = given["merge"], given["residual"]
        self.learn_initial_state = given["learn_initial_state"]
        self.zoneout, self.recurrent_dropout = given["zoneout"], given["recurrent_dropout"]
        self.weight_dropout = check_rate("weight_dropout", given["weight_dropout"])
        check_segments(given["checkpoint"], given["truncate"])
        self.checkpoint, self.truncate = given["checkpoint"], given["truncate"]
        self.init, self.backend = given["init"], given["backend"]

    def _stacked_cell(self) -> Stack:
        """Return the equations of every layer; raises `ArgumentError` for unsupported options."""
        sizes = Sizes(self.input_size, self.hidden_size)
        mode = mode_of(self.cell, sizes, self.bias, self.zoneout, self.recurrent_dropout)
        directions = 2 if self.bidirectional else 1
        stack = Stack(self.cell, sizes, mode, self.num_layers, directions, self.merge)
        if self.residual and not stack.has_shortcut:
            raise ArgumentError(
                f"residual: no layer's input and output have the same width; with these options "
                f"outputs have {stack.output_size} columns, the input {self.input_size}"
            )
        if self.weight_dropout and not stack.layers[0].recurrent:
            raise ArgumentError(f"weight_dropout: cell {self.cell.name} has no recurrent matrix")
        return stack

    def _add_parameters(self, device: torch.device | str | None, dtype: torch.dtype | None) -> None:
        self._shapes: dict[str, torch.Size] = {}
        for row, names in enumerate(self._names):
            shapes = self.stack.parameter_shapes(row)
            if self.learn_initial_state:
                for state, width in self.stack.traced(row).state_sizes.items():
                    shapes[f"initial_{state}"] = (width,)
            for name, shape in shapes.items():
                parameter = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                full = names.get(name, name + self.stack.suffix(row))
                self.register_parameter(full, parameter)
                self._shapes[full] = parameter.shape

    def reset_parameters(self) -> None:
        """Initialise all weights anew, by the option `init`; learned initial states become 0."""
        for row in self.stack.rows:
            sizes = self.stack.traced(row).sizes
            initialise(self.cell, sizes, self._weights(row), self.init)
            for initial in self._learned(row).values():
                nn.init.zeros_(initial)

    def _weights(self, row: int) -> Tensors:
        own = self._parameters
        # A weight computed from others, as by weight_norm, is no parameter but an attribute, whose
        # look-up takes several times as long.
        found = {
            name: getattr(self, full, None) if (weight := own.get(full)) is None else weight
            for name, full in self._names[row].items()
        }
        return cast(Tensors, found)

    def _checked_weights(self, stored: bool) -> list[Tensors]:
        """Return the weights of all rows; raises `TensorError` for one that does not fit."""
        rows = [self._weights(row) for row in self.stack.rows]
        given: list[Tensor] = []
        for k, row in enumerate(rows):
            given += row.values()
            if self.learn_initial_state:
                given += self._learned(k).values()
        check_weights(given, self._shapes, stored)
        return rows

    def _learned(self, row: int) -> Tensors:
        names = self.stack.states if self.learn_initial_state else ()
        suffix = self.stack.suffix(row)
        found = {name: getattr(self, f"initial_{name}{suffix}", None) for name in names}
        return cast(Tensors, found)

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """Weights by layer and direction, as in torch."""
        return [list(self._weights(row).values()) for row in self.stack.rows]

    def flatten_parameters(self) -> None:
        """Do nothing; exists for code that was written for torch's layers."""

    def backend_report(self) -> str:
        """Say which backend runs a plain call, and why the preferred ones before it do not."""
        weight = next(iter(self._checked_weights(not observed())[0].values()))
        graph = self.stack.layers[0].plans(self.training)[False].graph
        return report(graph, weight.dtype, weight.device, self.backend)

    def extra_repr(self) -> str:
        """Return sizes and the options that differ from their defaults."""
        omitted = ("cell", "input_size", "hidden_size", "device", "dtype")
        parameters = inspect.signature(Recurrent).parameters.items()
        defaults = {name: one.default for name, one in parameters if name not in omitted}
        values = {name: getattr(self, name) for name in defaults}
        changed = [f"{name}={v!r}" for name, v in values.items() if v != defaults[name]]
        return ", ".join([*self._head(), *changed])

    def _head(self) -> list[str]:
        cell = repr(self.cell) if is_dataclass(self.cell) else self.cell.name
        return [cell, f"{self.input_size}, {self.hidden_size}"]

    def forward(
        self,
        x: Tensor | PackedSequence | None = None,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        return_states: bool = False,
        input: Tensor | PackedSequence | None = None,
        hx: Any = None,
    ) -> Any:
        """Run over whole sequences.

        x [T, B, I], or [B, T, I] batch first, or [T, I] unbatched, or packed. `state`: that before
        the first step, [L·D, B, W] or unbatched [L·D, W], one tensor or a tuple in the cell's
        order, as it is returned (rows: layer by layer, each followed by its reverse direction);
        None: the layer's initial state. `lengths` [B], whole numbers from 1 to T: past the end of a
        sequence outputs are 0 and its state stays; the reverse direction starts at the end. `reset`
        [T, B], bool, also for batch-first x: where True a new sequence starts at that step, from
        the layer's initial state; in the reverse direction it ends there. `input` and `hx` are
        torch's names of x and state.

        Returns the output, [T, B, H] or H of both directions side by side, in the form of x, and
        the final state; with `return_states` also the states after every step, [T, L·D, B, W] each.
        Raises ConfigError, which names the argument, for a wrong shape, dtype, device or number
        (TensorError, a RuntimeError and ValueError; ArgumentTypeError, a TypeError), and
        BackendError where the backend that was asked for cannot run this.
        """
        x, state = one_of("x", x, "input", input), one_of("state", state, "hx", hx)
        stored = not observed()
        weights = self._checked_weights(stored)
        extras = lengths is not None or reset is not None or return_states
        if isinstance(x, PackedSequence):
            if extras:
                raise ArgumentError("lengths, reset and return_states take a padded x, got packed")
            return self._packed(x, state, weights, stored)
        shape = self._shape(weights, stored)
        shape.input(x)
        if extras and x.dim() != 3:
            raise TensorError(
                f"x: lengths, reset and return_states need a batch, so 3 dimensions, got {x.dim()}"
            )
        if x.dim() == 2:
            given = None if state is None else shape.state(state, None)
            rows = None if given is None else {n: s.unsqueeze(1) for n, s in given.items()}
            output, final, _ = self._run(x.unsqueeze(1), rows, weights)
            return output.squeeze(1), self._joined({n: s.squeeze(1) for n, s in final.items()})
        x = x.transpose(0, 1) if self.batch_first else x
        steps, batch = x.shape[:2]
        lengths = None if lengths is None else check_lengths(lengths, batch, steps)
        if reset is not None:
            check_reset(reset, steps, batch, x.device)
        given = None if state is None else shape.state(state, batch)
        output, final, every = self._run(x, given, weights, lengths, reset, return_states)
        output = output.transpose(0, 1) if self.batch_first else output
        if return_states:
            return output, self._joined(final), self._joined(every)
        return output, self._joined(final)

    def step(self, x_t: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """One streaming step: x_t [B, I] and the state in, y_t [B, H] and the state out.

        Equal to the same step inside a whole sequence, to the bit with the native backend; in
        bfloat16 and float16 the state is rounded between two steps, which it is not inside a
        sequence. The layer keeps no state. Hooks on its calls see a sequence of one step. Raises
        ConfigError as a call does, and BackendError for a bidirectional layer.
        """
        if self.bidirectional:
            raise BackendError("step: the reverse direction needs the whole sequence")
        if not isinstance(x_t, Tensor) or x_t.dim() != 2:
            expected = "step: x_t must be a tensor [B, I], got"
            if isinstance(x_t, Tensor):
                raise TensorError(f"{expected} shape {tuple(x_t.shape)}")
            raise ArgumentTypeError(f"{expected} {type(x_t).__name__}")
        if self._direct and not observed() and not torch.is_grad_enabled():
            streamed = self._streamed(x_t, state)
            if streamed is not None:
                return streamed
        check_memory("x_t", x_t)
        time = 1 if self.batch_first else 0
        output, after = self(x_t.unsqueeze(time), state)
        return output.squeeze(time), after

    def packed(self, weights: str = "float32", threads: int = 1) -> PackedStack:
        """Return the layers with the weights that they have now, for inference on numpy arrays.

        Weights are packed once, in "float32", "float64", "bfloat16" or, with a scale for each row,
        "int8"; later changes of the layer do not reach them, and there are no gradients. threads:
        of whole sequences. Raises BackendError for layers that the native backend cannot pack.
        """
        if not has_native():
            raise BackendError(f"packed: {MISSING['native']}")
        odd = ("bidirectional", "residual", "learn_initial_state")
        if found := [name for name in odd if getattr(self, name)]:
            raise BackendError(f"packed: a layer with {', '.join(found)} cannot be packed")
        rows = self._checked_weights(True)
        arrays = [
            {name: value.detach().to("cpu", torch.float64).numpy() for name, value in row.items()}
            for row in rows
        ]
        return PackedStack(
            list(zip(self.stack.graphs, arrays, strict=True)), weights, threads=threads
        )

    def _streamed(self, x: Tensor, state: Any) -> tuple[Tensor, Any] | None:
        """Compute a step without gradients; None where the layer has to be called normally."""
        noisy = self.training and self._random
        step = stack_step(self.stack.graphs, x.shape[0], x.dtype)
        if step is None or noisy or self._forward_pre_hooks or self._forward_hooks:
            return None
        if state is None:
            state = tuple([x.new_zeros(shape) for shape in step.state_shapes])
        elif len(self.stack.states) == 1:
            state = (state,)
        elif not isinstance(state, (tuple, list)):
            return None
        names, own = self._names, self._parameters
        weights = [own.get(names[layer][name]) for layer, name in step.parameters]
        if not step.readable((x, *state, *weights)):
            return None
        output, new = step(x, tuple(state), cast(list[Tensor], weights))
        return output, new if len(new) > 1 else new[0]

    def _shape(self, weights: list[Tensors], stored: bool) -> Shape:
        weight, rows = next(iter(weights[0].values())), len(self._names)
        return Shape(self.input_size, self.batch_first, weight, rows, self.stack.states, stored)

    def _joined(self, states: Tensors) -> Any:
        """Return states in the form that users get: one tensor, or a tuple."""
        values = tuple(states[name] for name in self.stack.states)
        return values if len(values) > 1 else values[0]

    def _packed(
        self, x: PackedSequence, state: Any, weights: list[Tensors], stored: bool
    ) -> tuple[PackedSequence, Any]:
        check_packed(x)
        sorting, unsorting = x.sorted_indices, x.unsorted_indices
        padded, lengths = pad_packed_sequence(PackedSequence(x.data, x.batch_sizes))
        shape = self._shape(weights, stored)
        shape.input(padded)
        given = None if state is None else shape.state(state, padded.size(1))
        if given is not None and sorting is not None:
            given = {name: value[:, sorting] for name, value in given.items()}
        output, final, _ = self._run(padded, given, weights, lengths)
        if unsorting is not None:
            final = {name: value[:, unsorting] for name, value in final.items()}
        data = pack_padded_sequence(output, lengths).data
        return PackedSequence(data, x.batch_sizes, sorting, unsorting), self._joined(final)

    def _run(
        self,
        x: Tensor,
        state: Tensors | None,
        weights: list[Tensors],
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        want_states: bool = False,
    ) -> tuple[Tensor, Tensors, Tensors]:
        """Run x [T, B, I] through all layers.

        Returns the output, the final states [L·D, B, W], and all states [T, L·D, B, W].
        """
        dtype = next(iter(weights[0].values())).dtype
        x = x if x.dtype is dtype else x.to(dtype)
        found: list[Trajectory] = []
        directions = self.stack.directions
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            rows = self.stack.rows[layer * directions : (layer + 1) * directions]
            both = [
                self._direction(row, x, state, weights[row], lengths, reset, want_states)
                for row in rows
            ]
            found += both
            x = self._merged(x, [one.output for one in both], lengths)
        final = self._stacked([one.final for one in found])
        every = self._stacked([one.states for one in found], 1) if want_states else {}
        return x, final, every

    def _stacked(self, found: list[Tensors], rows: int = 0) -> Tensors:
        """Stack the states of all layers and directions; narrower ones are padded with 0."""
        wide = {n: [_widened(one[n], w) for one in found] for n, w in self.stack.states.items()}
        return {
            name: torch.stack(values, rows) if len(values) > 1 else values[0].unsqueeze(rows)
            for name, values in wide.items()
        }

    def _direction(
        self,
        row: int,
        x: Tensor,
        state: Tensors | None,
        weights: Tensors,
        lengths: Tensor | None,
        reset: Tensor | None,
        want_states: bool,
    ) -> Trajectory:
        initial = self._initial(row, x) if state is None or reset is not None else None
        if state is None:
            given = initial
        else:
            sizes = self.stack.traced(row).state_sizes
            given = {n: s[row, :, : sizes[n]].to(x.dtype) for n, s in state.items()}
        return self.scan(
            self.stack.traced(row),
            self._thinned(row, weights),
            x,
            cast(Tensors, given),
            initial=initial,
            lengths=lengths,
            reset=reset,
            training=self.training,
            reverse=row % self.stack.directions == 1,
            want_states=want_states,
            backend=self.backend,
            checkpoint=self._segment(x.size(0)),
            truncate=(self.truncate or 0) if self.training else 0,
        )

    def _segment(self, steps: int) -> int:
        """Return the steps of a segment that is computed anew; 0 for none."""
        if isinstance(self.checkpoint, bool):
            return math.isqrt(steps) if self.checkpoint else 0
        return self.checkpoint

    def initial_state(self, batch: int = 1) -> Any:
        """Return the state before the first step, in the form of `step`; [L·D, batch, W] each."""
        like = next(self.parameters())
        x = like.new_zeros(1, batch, 1)
        return self._joined(self._stacked([self._initial(row, x) for row in self.stack.rows]))

    def _initial(self, row: int, x: Tensor) -> Tensors:
        batch = x.size(1)
        if self.learn_initial_state:
            return {name: value.expand(batch, -1) for name, value in self._learned(row).items()}
        sizes = self.stack.traced(row).state_sizes
        return {name: x.new_zeros(batch, width) for name, width in sizes.items()}

    def _thinned(self, row: int, weights: Tensors) -> Tensors:
        """Return the weights after weight dropout."""
        if not self.weight_dropout or not self.training:
            return weights
        recurrent = self.stack.traced(row).recurrent
        return weights | {n: F.dropout(weights[n], self.weight_dropout) for n in recurrent}

    def _merged(self, x: Tensor, outputs: list[Tensor], lengths: Tensor | None) -> Tensor:
        if len(outputs) == 1:
            output = outputs[0]
        else:
            output = torch.cat(outputs, -1) if self.merge == "concat" else outputs[0] + outputs[1]
        if not self.residual or x.size(-1) != output.size(-1):
            return output
        if lengths is not None:
            steps = torch.arange(x.size(0), device=x.device).unsqueeze(1)
            over = steps >= lengths.to(x.device)
            x = x.masked_fill(over.unsqueeze(-1), 0.0)
        return output + x


def _widened(state: Tensor, width: int) -> Tensor:
    return state if state.size(-1) == width else F.pad(state, (0, width - state.size(-1)))

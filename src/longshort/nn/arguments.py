"""Checks of the arguments of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from longshort.cells import Cell, Sizes
from longshort.cells.contract import check_cell
from longshort.engine.executors.common.memory import hollow
from longshort.engine.executors.common.observed import PLAIN, observed
from longshort.engine.trace import Mode, trace
from longshort.errors import ArgumentError, ArgumentTypeError, TensorError, nearest
from longshort.nn.options import Rates
from longshort.nn.weights import emptied

MERGES = ("concat", "sum")
DROPOUTS = ("gal", "semeniuta")


def check_sizes(input_size: int, hidden_size: int, num_layers: int) -> None:
    """Raise `ArgumentError` for sizes that are not whole numbers above 0."""
    sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
    for name, size in sizes.items():
        expected = f"{name}: a whole number from 1 is expected, got {size!r}"
        if not isinstance(size, int) or isinstance(size, bool):
            raise ArgumentTypeError(expected)
        if size < 1:
            raise ArgumentError(expected)


def check_flags(**flags: bool) -> None:
    """Raise `ArgumentTypeError` for options that are neither True nor False, such as "no"."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ArgumentTypeError(f"{name}: True or False is expected, got {flag!r}")


def check_dtype(dtype: torch.dtype | None) -> None:
    """Raise `TensorError` for a dtype that cannot have gradients."""
    expected = f"dtype: a floating point type is expected, such as torch.float32, got {dtype!r}"
    if dtype is not None and not isinstance(dtype, torch.dtype):
        raise ArgumentTypeError(expected)
    if dtype is not None and not dtype.is_floating_point:
        raise TensorError(expected)


def check_rate(name: str, rate: float, highest: float = 1.0) -> float:
    """Return a probability from 0 to `highest` as a float; raises `ArgumentError` for others."""
    number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    if not number or not (0.0 <= rate < highest or rate == highest == 1.0):
        bound = "1" if highest == 1.0 else f"below {highest:g}"
        raise ArgumentError(f"{name}: a probability from 0 to {bound} is expected, got {rate!r}")
    return float(rate)


def check_merge(merge: str) -> None:
    """Raise `ArgumentError` for an unknown way to merge directions."""
    if merge not in MERGES:
        raise ArgumentError(f"merge: {merge!r} is not known; {nearest(merge, MERGES)}")


def check_segments(checkpoint: bool | int, truncate: int | None) -> None:
    """Raise `ArgumentError` for lengths of segments below 2, or for both options at once."""
    given: dict[str, Any] = {"truncate": truncate}
    if not isinstance(checkpoint, bool):
        given["checkpoint"] = checkpoint
    for name, value in given.items():
        if value is not None and (not isinstance(value, int) or value < 2):
            raise ArgumentError(f"{name}: a number of steps from 2 is expected, got {value!r}")
    if checkpoint and truncate is not None:
        raise ArgumentError(
            "checkpoint: truncate computes its segments anew already; give one of the two"
        )


def one_of(name: str, value: Any, alias: str, other: Any) -> Any:
    """Return the value of an argument that is given by its own name or by torch's, not by both."""
    if other is None:
        return value
    if value is not None:
        raise ArgumentTypeError(f"{name}: given twice, as {name} and as {alias}; give one of them")
    return other


def mode_of(
    cell: Cell, n: Sizes, bias: bool, zoneout: Rates, recurrent_dropout: float | str
) -> Mode:
    """Return the options that are part of the equations.

    Raises `ArgumentError` for an option that this cell does not support.
    """
    check_cell(cell)
    kind, rate = _recurrent_dropout(recurrent_dropout)
    mode = Mode(
        bias=bias,
        zoneout=_zoneout(cell, n, zoneout),
        sequence_dropout=rate if kind == "gal" else 0.0,
        candidate_dropout=rate if kind == "semeniuta" else 0.0,
    )
    if mode.candidate_dropout:
        graph = trace(cell, n, Mode(training=True, candidate_dropout=rate))
        if all(spec.noise is None for spec in graph.inputs):
            raise ArgumentError(
                f"recurrent_dropout: cell {cell.name} has no candidate that Semeniuta's dropout "
                f"thins out (p.drop in its step); use {rate!r} for Gal's dropout"
            )
    return mode


def _zoneout(cell: Cell, n: Sizes, zoneout: Rates) -> tuple[tuple[str, float], ...]:
    states = cell.state_sizes(n)
    if isinstance(zoneout, Mapping):
        rates = dict(zoneout)
    else:
        check_rate("zoneout", zoneout)
        rates = {name: zoneout for name in ("h", "c") if name in states}
        if zoneout and not rates:
            raise ArgumentError(
                f"zoneout: a number is for the states h and c, which cell {cell.name} does not "
                f"have; give rates by name, of {', '.join(states)}"
            )
    for name in rates:
        if name not in states:
            raise ArgumentError(
                f"zoneout: cell {cell.name} has no state {name!r}; {nearest(name, states)}"
            )
    checked = {name: check_rate("zoneout", rate) for name, rate in rates.items()}
    return tuple((name, checked[name]) for name in states if checked.get(name))


def _recurrent_dropout(dropout: float | str) -> tuple[str, float]:
    if not isinstance(dropout, str):
        return "gal", check_rate("recurrent_dropout", dropout, _BELOW_ONE)
    kind, _, text = dropout.partition(":")
    if kind not in DROPOUTS:
        raise ArgumentError(f"recurrent_dropout: {kind!r} is not known; {nearest(kind, DROPOUTS)}")
    try:
        rate = float(text)
    except ValueError:
        raise ArgumentError(
            f"recurrent_dropout: write '{kind}:<rate>', such as '{kind}:0.25', got {dropout!r}"
        ) from None
    return kind, check_rate("recurrent_dropout", rate, _BELOW_ONE)


_BELOW_ONE = 0.999
"""Largest dropout rate: kept values are divided by 1 - rate."""


@dataclass(slots=True)
class Shape:
    """The tensors that a layer expects, and checks of those that it gets."""

    input_size: int
    batch_first: bool
    weight: Tensor
    """Any weight of the layer, for dtype and device."""
    rows: int
    """Rows of a state, L·D."""
    states: dict[str, int]
    """Widths of the states, by name."""
    stored: bool
    """Whether all tensors are plain torch tensors, so that their storage can be checked."""

    def input(self, x: Tensor) -> None:
        """Raise `TensorError` for an input of the wrong rank, size, dtype or device."""
        if not isinstance(x, Tensor):
            raise ArgumentTypeError(f"x: a tensor or PackedSequence is expected, got {_kind(x)}")
        if x.layout != torch.strided:
            raise TensorError(f"x: a dense tensor is expected, got {x.layout}; use x.to_dense()")
        order = "[B, T, I]" if self.batch_first else "[T, B, I]"
        if x.dim() not in (2, 3):
            raise TensorError(
                f"x: {order}, or [T, I] unbatched, is expected; got {x.dim()} dimensions, "
                f"{tuple(x.shape)}"
            )
        if x.size(-1) != self.input_size:
            raise TensorError(
                f"x: the last dimension must be input_size = {self.input_size}, got shape "
                f"{tuple(x.shape)}; give {order}, or build the layer with input_size={x.size(-1)}"
            )
        self._place("x", x)

    def _place(self, name: str, value: Tensor) -> None:
        if value.device != self.weight.device:
            raise TensorError(
                f"{name}: is on {value.device}, the layer's weights are on {self.weight.device}; "
                f"move one with .to()"
            )
        if value.dtype != self.weight.dtype and not torch.is_autocast_enabled(value.device.type):
            raise TensorError(
                f"{name}: is {value.dtype}, the layer's weights are {self.weight.dtype}; convert "
                f"one with .to()"
            )
        if self.stored and type(value) in PLAIN and hollow(value):
            raise emptied(name, value)

    def state(self, state: object, batch: int | None) -> dict[str, Tensor]:
        """Return the given states by name, checked; `batch` is None for unbatched input."""
        names = list(self.states)
        given = state if isinstance(state, (tuple, list)) else (state,)
        several = isinstance(state, (tuple, list))
        fits = several if len(names) > 1 else isinstance(state, Tensor)
        wanted = "a tensor" if len(names) == 1 else f"a tuple ({', '.join(names)}) of tensors"
        expected = (
            f"state: {wanted} is expected, got {_kind(state)}; pass what the layer returned, or "
            "None to start anew"
        )
        if not fits or not all(isinstance(value, Tensor) for value in given):
            raise ArgumentTypeError(expected)
        if len(given) != len(names):
            raise TensorError(expected)
        for name, value in zip(names, given, strict=True):
            width = self.states[name]
            shape = (self.rows, width) if batch is None else (self.rows, batch, width)
            if value.shape != shape:
                order = "[L·D, W]" if batch is None else "[L·D, B, W]"
                raise TensorError(
                    f"state {name}: shape {order} = {shape} is expected, got {tuple(value.shape)}"
                )
            self._place(f"state {name}", value)
        return dict(zip(names, given, strict=True))


def check_memory(name: str, value: Tensor) -> None:
    """Raise `TensorError` for a tensor whose storage was freed or is too small."""
    if type(value) in PLAIN and not observed() and hollow(value):
        raise emptied(name, value)


def check_packed(x: PackedSequence) -> None:
    """Raise `TensorError` for a packed sequence with a tensor whose storage was freed."""
    for name in ("data", "batch_sizes", "sorted_indices", "unsorted_indices"):
        part = getattr(x, name)
        if part is not None:
            check_memory(f"x.{name}", part)


def _kind(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


def check_lengths(lengths: Tensor, batch: int, steps: int) -> Tensor:
    """Return lengths as int64 [B]; raises `TensorError` unless they are whole numbers 1 to T."""
    expected = f"lengths: {batch} whole numbers are expected, one a sequence; got"
    if not isinstance(lengths, Tensor):
        try:
            lengths = torch.as_tensor(lengths, device="cpu")
        except (TypeError, ValueError, RuntimeError):
            raise ArgumentTypeError(f"{expected} {_kind(lengths)}") from None
    check_memory("lengths", lengths)
    whole = not (lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool)
    if lengths.shape != (batch,) or not whole or lengths.is_meta:
        raise TensorError(
            f"{expected} shape {tuple(lengths.shape)} of {lengths.dtype} on {lengths.device}"
        )
    lengths = lengths.to(torch.int64).contiguous()
    if batch == 0:
        return lengths
    allowed = f"lengths: each must lie between 1 and {steps}, the length of x"
    low = min(1, steps)
    if torch.compiler.is_compiling():
        # The numbers do not exist yet; they are checked when the compiled code runs.
        torch._assert_async(((lengths >= low) & (lengths <= steps)).all(), allowed)
        return lengths
    least, most = int(lengths.min()), int(lengths.max())
    if least < low or most > steps:
        raise TensorError(f"{allowed}; got {least} to {most}")
    return lengths


def check_reset(reset: Tensor, steps: int, batch: int, device: torch.device) -> None:
    """Raise `TensorError` unless `reset` is boolean [T, B], also for batch-first input."""
    if (
        not isinstance(reset, Tensor)
        or reset.shape != (steps, batch)
        or reset.dtype != torch.bool
        or reset.device != device
    ):
        got = (
            f"{tuple(reset.shape)} of {reset.dtype} on {reset.device}"
            if isinstance(reset, Tensor)
            else _kind(reset)
        )
        raise TensorError(
            f"reset: booleans of shape [T, B] = {(steps, batch)} on {device} are expected, got "
            f"{got}"
        )
    check_memory("reset", reset)

"""Recurrent layers with the signature, shapes and weight names of their torch namesakes.

Letters: T time steps, B batch, I input size, H hidden size (P where projected), L layers, D
directions. The computation is torch's own; lengths, resets, all states and streaming are added.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from longshort.errors import BackendError, ConfigError, nearest
from longshort.nn.initialise import initialise

State = Tensor | tuple[Tensor, Tensor]


class _Recurrent(nn.RNNBase):
    """What LSTM, GRU and RNN share: checks, lengths, resets, streaming."""

    def _prepare(self, init: str, backend: str) -> None:
        if backend not in ("auto", "torch"):
            if backend in ("native", "triton"):
                raise BackendError(
                    f"backend={backend!r} is not part of this version; use 'auto' or 'torch'"
                )
            known = ("auto", "torch", "native", "triton")
            raise ConfigError(f"backend: {backend!r} is not known; {nearest(backend, known)}")
        self.backend = backend
        initialise(self, init)

    def backend_report(self) -> str:
        """Which implementation runs, and why."""
        reason = "asked for" if self.backend == "torch" else "the only one in this version"
        return f"torch: {reason}"

    def forward(
        self,
        x: Tensor | PackedSequence,
        state: State | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        return_states: bool = False,
    ) -> Any:
        """Run over whole sequences.

        x [T, B, I], or [B, T, I] batch first, or [T, I] unbatched, or packed. `lengths` [B]: past
        a sequence's end outputs are 0 and its state stays; the reverse direction starts at the
        end. `reset` [T, B]: where true the state is zero before that step. Returns the output and
        the final state, and with `return_states` the states after every step, [T, L, B, H] each.
        """
        if lengths is None and reset is None and not return_states:
            return super().forward(x, state)
        if isinstance(x, PackedSequence):
            raise ConfigError("lengths, reset and return_states take a padded x, got packed")
        if x.dim() != 3:
            raise ConfigError(
                f"x: lengths, reset and return_states need a batch, so 3 dimensions, got {x.dim()}"
            )
        batch, steps = (x.size(0), x.size(1)) if self.batch_first else (x.size(1), x.size(0))
        if lengths is not None:
            lengths = _check_lengths(lengths, batch, steps)
        if reset is None and not return_states:
            assert lengths is not None
            packed = pack_padded_sequence(x, lengths.cpu(), self.batch_first, enforce_sorted=False)
            output, final = super().forward(packed, state)
            padded, _ = pad_packed_sequence(output, self.batch_first, total_length=steps)
            return padded, final
        return self._stepwise(x, state, lengths, _check_reset(reset, steps, batch), return_states)

    def _stepwise(
        self,
        x: Tensor,
        state: State | None,
        lengths: Tensor | None,
        reset: Tensor | None,
        return_states: bool,
    ) -> Any:
        if self.bidirectional:
            raise BackendError(
                "reset and return_states: this version runs them in one direction only; build the "
                "layer with bidirectional=False"
            )
        time = 1 if self.batch_first else 0
        current = self._unpack(self._zeros(x) if state is None else state)
        outputs, states = [], []
        for t in range(x.size(time)):
            if reset is not None:
                current = tuple(s.masked_fill(reset[t][None, :, None], 0.0) for s in current)
            output, after = super().forward(x.narrow(time, t, 1), self._pack(current))
            following = self._unpack(after)
            if lengths is not None:
                over = (t >= lengths.to(x.device))[:, None]
                output = output.masked_fill(over[:, None] if self.batch_first else over[None], 0.0)
                following = tuple(
                    torch.where(over, old, new) for old, new in zip(current, following, strict=True)
                )
            current = following
            outputs.append(output)
            states.append(current)
        joined = torch.cat(outputs, time)
        if not return_states:
            return joined, self._pack(current)
        every = tuple(torch.stack(part) for part in zip(*states, strict=True))
        return joined, self._pack(current), self._pack(every)

    def step(self, x_t: Tensor, state: State | None = None) -> tuple[Tensor, Any]:
        """One streaming step: x_t [B, I] and the state in, y_t [B, H] and the state out.

        Equal to the same step inside a whole sequence; nothing is kept on the layer.
        """
        if self.bidirectional:
            raise BackendError("step: the reverse direction needs the whole sequence")
        if x_t.dim() != 2:
            raise ConfigError(f"step: x_t must be [B, I], got {x_t.dim()} dimensions")
        time = 1 if self.batch_first else 0
        output, after = super().forward(x_t.unsqueeze(time), state)
        return output.squeeze(time), after

    def _zeros(self, x: Tensor) -> State:
        batch = x.size(0 if self.batch_first else 1)
        rows = self.num_layers * (2 if self.bidirectional else 1)
        hidden = x.new_zeros(rows, batch, self.proj_size or self.hidden_size)
        return (
            (hidden, x.new_zeros(rows, batch, self.hidden_size))
            if self.mode == "LSTM"
            else (hidden)
        )

    @staticmethod
    def _unpack(state: State) -> tuple[Tensor, ...]:
        return state if isinstance(state, tuple) else (state,)

    def _pack(self, state: tuple[Tensor, ...]) -> Any:
        return state if self.mode == "LSTM" else state[0]


def _check_lengths(lengths: Tensor, batch: int, steps: int) -> Tensor:
    lengths = torch.as_tensor(lengths)
    if lengths.shape != (batch,) or lengths.is_floating_point():
        raise ConfigError(
            f"lengths: {batch} whole numbers are expected, one a sequence; got shape "
            f"{tuple(lengths.shape)} of {lengths.dtype}"
        )
    if batch and (int(lengths.min()) < 1 or int(lengths.max()) > steps):
        raise ConfigError(
            f"lengths: each must lie between 1 and {steps}, the length of x; got "
            f"{int(lengths.min())} to {int(lengths.max())}"
        )
    return lengths


def _check_reset(reset: Tensor | None, steps: int, batch: int) -> Tensor | None:
    if reset is not None and (reset.shape != (steps, batch) or reset.dtype != torch.bool):
        raise ConfigError(
            f"reset: booleans of shape [T, B] = {(steps, batch)} are expected, got "
            f"{tuple(reset.shape)} of {reset.dtype}"
        )
    return reset


class LSTM(_Recurrent, nn.LSTM):
    """Long short-term memory with a forget gate (Gers et al., 2000), as `torch.nn.LSTM`.

    `proj_size` > 0 projects the output (Sak et al., 2014). State is (h [L·D, B, H], c [L·D, B, H]).
    Weights of a `torch.nn.LSTM` load unchanged. `init`: see `longshort.nn.initialise`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: str = "recommended",
        backend: str = "auto",
    ) -> None:
        nn.LSTM.__init__(
            self,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )
        self._prepare(init, backend)


class GRU(_Recurrent, nn.GRU):
    """Gated recurrent unit, reset after the matmul (Cho et al., 2014), as `torch.nn.GRU`.

    State is h [L·D, B, H]. Weights of a `torch.nn.GRU` load unchanged.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: str = "recommended",
        backend: str = "auto",
    ) -> None:
        nn.GRU.__init__(
            self,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self._prepare(init, backend)


class RNN(_Recurrent, nn.RNN):
    """Simple recurrent network, h = φ(W x + R h + b) (Elman, 1990), as `torch.nn.RNN`.

    `nonlinearity` is "tanh" or "relu". State is h [L·D, B, H].
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: str = "recommended",
        backend: str = "auto",
    ) -> None:
        nn.RNN.__init__(
            self,
            input_size,
            hidden_size,
            num_layers,
            nonlinearity,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self._prepare(init, backend)

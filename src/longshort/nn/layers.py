"""`LSTM`, `GRU` and `RNN` with the signatures of torch's layers, and further keyword options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Unpack, cast

import torch

from longshort.cells.gru import GRU as GRUCell
from longshort.cells.lstm import LSTM as LSTMCell
from longshort.cells.rnn import RNN as RNNCell
from longshort.errors import ArgumentError, ArgumentTypeError
from longshort.nn.arguments import check_sizes
from longshort.nn.options import LayerOptions, shows_options
from longshort.nn.recurrent import Recurrent

NAMES = {"projection": "proj_size", "activation": "nonlinearity"}
"""Options of cells with another name in torch's layers."""


class _Named(Recurrent):
    """A layer of one named cell, with the cell's options as arguments."""

    proj_size = 0

    def _head(self) -> list[str]:
        assert is_dataclass(self.cell)
        given = {f.name: (getattr(self.cell, f.name), f.default) for f in fields(self.cell)}
        options = [f"{NAMES.get(k, k)}={v!r}" for k, (v, default) in given.items() if v != default]
        return [f"{self.input_size}, {self.hidden_size}", *options]


class LSTM(_Named):
    """Long short-term memory with a forget gate (Gers et al., 2000), as `torch.nn.LSTM`.

    Weights of a `torch.nn.LSTM` load unchanged. The state is (h [L·D, B, H], c [L·D, B, H]).
    `proj_size` > 0 projects the output (Sak et al., 2014). The variations `peephole`, `couple`,
    `ablate`, `layer_norm`, `activations`, `cell_clip` and `preactivation_clip` are those of
    `longshort.cells.LSTM`; the other options those of
    `longshort.nn.LayerOptions`.
    """

    @shows_options
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
        peephole: bool = False,
        couple: str | None = None,
        ablate: Sequence[str] = (),
        layer_norm: str | None = None,
        activations: Sequence[str] = ("sigmoid", "tanh", "tanh"),
        cell_clip: float | None = None,
        preactivation_clip: float | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        check_sizes(input_size, hidden_size, num_layers)
        expected = f"proj_size: 0 (none) or a size below hidden_size = {hidden_size} is expected"
        if not isinstance(proj_size, int) or isinstance(proj_size, bool):
            raise ArgumentTypeError(f"{expected}, got {proj_size!r}")
        if not 0 <= proj_size < hidden_size:
            raise ArgumentError(f"{expected}, got {proj_size}")
        cell = LSTMCell(
            peephole=peephole,
            couple=couple,
            ablate=cast(tuple[str, ...], ablate),
            layer_norm=layer_norm,
            activations=cast(tuple[str, str, str], activations),
            cell_clip=cell_clip,
            preactivation_clip=preactivation_clip,
            projection=proj_size,
        )
        self.proj_size = proj_size
        super().__init__(
            cell,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device,
            dtype,
            **options,
        )


class GRU(_Named):
    """Gated recurrent unit (Cho et al., 2014), as `torch.nn.GRU`.

    Weights of a `torch.nn.GRU` load unchanged. The state is h [L·D, B, H]. `reset`: the reset gate
    works "after" the recurrent product, as in torch, or "before" it, as in the paper's last
    version. `layer_norm`, `preactivation_clip`: see `longshort.cells.GRU`. The other options are
    those of `longshort.nn.LayerOptions`.
    """

    @shows_options
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
        reset: str = "after",
        layer_norm: bool = False,
        preactivation_clip: float | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            GRUCell(reset, layer_norm, preactivation_clip=preactivation_clip),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device,
            dtype,
            **options,
        )


class RNN(_Named):
    """Simple recurrent network, h = φ(W x + R h + b) (Elman, 1990), as `torch.nn.RNN`.

    Weights of a `torch.nn.RNN` load unchanged. The state is h [L·D, B, H]. `nonlinearity` φ is
    "tanh", "relu" or another activation of `longshort.engine.ops`, `preactivation_clip` bounds its
    input. The other options are those of `longshort.nn.LayerOptions`.
    """

    @shows_options
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
        preactivation_clip: float | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            RNNCell(nonlinearity, preactivation_clip),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device,
            dtype,
            **options,
        )
        self.nonlinearity = nonlinearity

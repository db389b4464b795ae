"""The networks: one corrects a forecast, one rebuilds windows. Letters: T steps, B batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.anomaly.config import AnomalyModel
from longshort.tasks.anomaly.errors import FREEDOM


class Ahead(nn.Module):
    """A network from inputs [T, B, C] to corrections of the autoregression's forecasts.

    Corrections are [T, B, ahead, K]. With a Student head the logarithm of the spread comes with
    them, [T, B, ahead, K, 2]. At first it corrects nothing.
    """

    def __init__(self, model: AnomalyModel, inputs: int, channels: int) -> None:
        super().__init__()
        self.shape = (model.ahead, channels, model.outputs)
        self.layers = _layers(model, inputs)
        self.dropout = nn.Dropout(model.dropout)
        outputs = self.shape[0] * self.shape[1] * self.shape[2]
        self.head = nn.Linear(self.layers.output_size, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, state: object = None) -> tuple[Tensor, object]:
        """Return corrections and the state.

        The spread's logarithm is in the last place, if there is one.
        """
        states, last = self.layers(x, state)
        found = self.head(self.dropout(states))
        return found.unflatten(-1, self.shape), last


class Rebuild(nn.Module):
    """An autoencoder from windows [T, B, C] through `latent` numbers to [T + 2 margin, B, K].

    The output is in order of time. With a margin of 1 it includes the step before the window and
    the one after it (AER, Wong et al., 2022). The decoder goes backwards from the window's end,
    where the encoder stopped (Malhotra et al., 2016).
    """

    def __init__(self, model: AnomalyModel, inputs: int, channels: int) -> None:
        super().__init__()
        self.margin = model.margin
        self.encoder = _layers(model, inputs)
        self.squeeze = nn.Linear(self.encoder.output_size, model.latent)
        self.decoder = _layers(model, model.latent)
        self.head = nn.Linear(self.decoder.output_size, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the rebuilt windows."""
        states, _ = self.encoder(x)
        code = self.squeeze(states[-1])
        steps = x.shape[0] + 2 * self.margin
        back, _ = self.decoder(code.expand(steps, *code.shape).contiguous())
        found: Tensor = self.head(back).flip(0)
        return found


def _layers(model: AnomalyModel, inputs: int) -> Recurrent:
    dropout = model.dropout if model.num_layers > 1 else 0.0
    return Recurrent(
        chosen_cell(model),
        inputs,
        model.hidden,
        model.num_layers,
        dropout=dropout,
        **layer_options(model),
    )


class Batch(NamedTuple):
    """Training windows.

    inputs [T, B, C]. values, usable [T + max(ahead, 1), B, K]: values that begin with the inputs,
    and whether each may be learned from. linear [T, B, ahead, K]: the linear forecasts.
    """

    inputs: Tensor
    values: Tensor
    usable: Tensor
    linear: Tensor


class Watcher(nn.Module):
    """The networks that the chosen scores need."""

    def __init__(self, model: AnomalyModel, inputs: int, channels: int) -> None:
        super().__init__()
        self.ahead = Ahead(model, inputs, channels) if model.forecasts else None
        self.rebuild = Rebuild(model, inputs, channels) if model.rebuilds else None

    def forecasts(self, x: Tensor, state: object = None) -> tuple[Tensor, object]:
        """Return corrections of the autoregression, and the state; see `Ahead`."""
        assert self.ahead is not None
        found: tuple[Tensor, object] = self.ahead(x, state)
        return found

    def rebuilt(self, x: Tensor) -> Tensor:
        """Return windows as the autoencoder writes them; see `Rebuild`."""
        assert self.rebuild is not None
        found: Tensor = self.rebuild(x)
        return found

    def loss(self, batch: Batch, skip: int) -> Tensor:
        """Return the mean loss of the usable values.

        The first `skip` steps only warm the state up.
        """
        total = batch.inputs.new_zeros(())
        if self.ahead is not None:
            found, _ = self.ahead(batch.inputs)
            total = total + _forecast_loss(found, batch, skip)
        if self.rebuild is not None:
            total = total + _rebuilt_loss(self.rebuild, batch)
        return total


def _forecast_loss(found: Tensor, batch: Batch, skip: int) -> Tensor:
    steps, ahead = batch.inputs.shape[0], found.shape[2]
    truth = torch.stack([batch.values[k + 1 : k + 1 + steps] for k in range(ahead)], 2)
    usable = torch.stack([batch.usable[k + 1 : k + 1 + steps] for k in range(ahead)], 2)
    error = found[..., 0] + batch.linear - truth
    if found.shape[-1] == 2:
        each = student_loss(error, found[..., 1])
    else:
        each = nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
    return mean_of(each[skip:], usable[skip:])


def _rebuilt_loss(network: Rebuild, batch: Batch) -> Tensor:
    margin = network.margin
    steps = batch.inputs.shape[0]
    rebuilt = network(batch.inputs[margin : steps - margin or None])
    error = rebuilt - batch.values[:steps]
    each = nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
    return mean_of(each, batch.usable[:steps])


def mean_of(values: Tensor, usable: Tensor) -> Tensor:
    """Return the mean of the values that are usable; 0 if none is."""
    weight = usable.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)


def student_loss(error: Tensor, log_spread: Tensor) -> Tensor:
    """Return the negative log likelihood of errors under Student's t, up to a constant.

    The distribution has `FREEDOM` degrees of freedom.
    """
    squared = (error / log_spread.exp()) ** 2
    return log_spread + 0.5 * (FREEDOM + 1) * torch.log1p(squared / FREEDOM)

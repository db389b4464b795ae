"""The forecasting task: windows in, loss out, and forecasts in the user's units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from longshort.config import RunConfig
from longshort.data.panel import Floats, Panel
from longshort.data.split import Split
from longshort.data.transforms import forward_fill
from longshort.data.windows import Batch, Origins, WindowReader
from longshort.errors import ConfigError
from longshort.evaluate.baselines import LinearLags
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.network import ForecastNetwork, NetworkPlan
from longshort.tasks.task import Task

_PIECE = 2048
_MAX_VALIDATED = 8192
_MAX_LINEAR = 200_000


class Forecaster:
    """A network with the fitted numbers it needs: forecasts for any panel of the same schema."""

    def __init__(self, config: RunConfig, fitted: Fitted, network: ForecastNetwork) -> None:
        self.config = config
        self.fitted = fitted
        self.network = network

    def forecast(self, reader: WindowReader, origins: Origins) -> Floats:
        """Forecasts [m, H, Q] in the user's units, one row per origin and column."""
        pieces = [self._piece(reader, origins[begin : begin + _PIECE])
                  for begin in range(0, len(origins), _PIECE)]  # fmt: skip
        return np.concatenate(pieces)

    def _piece(self, reader: WindowReader, origins: Origins) -> Floats:
        self.network.eval()
        with torch.no_grad():
            batch = to_device(reader.gather(origins), self.config.train.device)
            scaled = self.network(batch).cpu().double().numpy()
        scaled = scaled.transpose(0, 2, 1, 3).reshape(-1, scaled.shape[1], scaled.shape[3])
        flat = reader.flat(origins)
        before = history(reader.panel, flat, self.fitted.transform.config.difference)
        user = self.fitted.transform.invert(scaled, flat.group, flat.column, before)
        return np.sort(user, axis=2)


class ForecastTask(Task):
    """A forecaster in training: its windows of the training and the validation part."""

    def __init__(self, config: RunConfig, panel: Panel, split: Split) -> None:
        _refuse_contradictions(config)
        self.config = config
        self.panel = panel
        self.split = split
        self.fitted = Fitted.fit(panel, split, config)
        self.reader = self.fitted.reader(panel, config)
        self._train = self.reader.origins("train", split)
        validated = self.reader.origins("val", split)
        self._val = validated[:: max(1, len(validated) // _MAX_VALIDATED)]
        for part, found in (("train", self._train), ("val", self._val)):
            if not len(found):
                raise ConfigError(
                    f"split: the {part} part has no complete window of context_length "
                    f"{config.model.context_length} + horizon {config.model.horizon}; make it "
                    "larger, or those smaller"
                )
        self.linear = self._fit_linear()
        torch.manual_seed(config.train.seed)
        self.network = build_network(config, self.fitted)
        if config.model.linear:
            with torch.no_grad():
                self.network.linear.weight.copy_(torch.from_numpy(self.linear.weights.T))
        self.network.to(config.train.device)
        self.forecaster = Forecaster(config, self.fitted, self.network)

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    @property
    def num_samples(self) -> int:
        """Training windows."""
        return len(self._train)

    def loss(self, samples: Tensor) -> Tensor:
        """Mean loss over the known values of these windows."""
        batch = to_device(self.reader.gather(self._train[samples.numpy()]),
                          self.config.train.device)  # fmt: skip
        return self._loss(batch)

    def validate(self) -> float:
        """Mean loss over the validation windows."""
        total, count = 0.0, 0.0
        for begin in range(0, len(self._val), _PIECE):
            batch = to_device(self.reader.gather(self._val[begin : begin + _PIECE]),
                              self.config.train.device)  # fmt: skip
            known = float(batch.observed.sum())
            total += float(self._loss(batch)) * known
            count += known
        return total / count

    def _loss(self, batch: Batch) -> Tensor:
        error = batch.target.unsqueeze(-1) - self.network(batch)
        kind = self.config.train.loss
        if kind == "pinball":
            levels = torch.tensor(self.config.model.quantiles, device=error.device)
            each = torch.maximum(levels * error, (levels - 1) * error)
        elif kind == "mae":
            each = error.abs()
        elif kind == "huber":
            each = nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
        else:
            each = error.square()
        return (each.mean(-1) * batch.observed).sum() / batch.observed.sum().clamp(min=1)

    def _fit_linear(self) -> LinearLags:
        train = self._train[:: max(1, len(self._train) // _MAX_LINEAR)]
        return LinearLags.fit(self._pieces(train), self._pieces(self._val))

    def _pieces(self, origins: Origins) -> Iterator[tuple[Floats, Floats]]:
        """Scaled context [n, L] and target [n, H] with NaN where missing, a piece at a time."""
        for begin in range(0, len(origins), _PIECE):
            batch = self.reader.gather(origins[begin : begin + _PIECE])
            target = torch.where(batch.observed > 0, batch.target, torch.nan)
            yield flat_columns(batch.context), flat_columns(target)


def flat_columns(values: Tensor) -> Floats:
    """[n, T, C] to [n · C, T] in float64."""
    flat: Floats = values.transpose(1, 2).reshape(-1, values.size(1)).double().numpy()
    return flat


def history(panel: Panel, flat: Origins, length: int) -> Floats:
    """The `length` values in user units before each origin, gaps filled from the past, [m, length].

    Rows before a group's first are NaN.
    """
    filled = forward_fill(panel.target, panel.offsets)
    rows = flat.row[:, None] - length + np.arange(length)
    at = panel.offsets[flat.group][:, None] + np.maximum(rows, 0)
    values = filled[at, flat.column[:, None]]
    return np.where(rows < 0, np.nan, values)


def to_device(batch: Batch, device: str) -> Batch:
    """The batch on a device; the batch itself on the CPU."""
    if device == "cpu":
        return batch
    moved = {name: value.to(device) for name, value in vars(batch).items()}
    return Batch(**moved)


def build_network(config: RunConfig, fitted: Fitted) -> ForecastNetwork:
    """The untrained network of a resolved config and the series it was fitted on."""
    model = config.model
    calendar = config.data.calendar
    assert model.hidden and model.context_length and model.horizon and model.patch
    assert calendar is not None
    mixed = model.channels == "mixed"
    columns = fitted.zscore.location.shape[1]
    return ForecastNetwork(NetworkPlan(
        cell=model.cell, hidden=model.hidden, num_layers=model.num_layers, dropout=model.dropout,
        residual=model.residual, context=model.context_length, horizon=model.horizon,
        patch=model.patch, decoder=model.decoder, instance_norm=model.instance_norm,
        linear=model.linear, columns=columns if mixed else 1, past=len(fitted.past.mean),
        future=len(fitted.future.mean) + 2 * len(calendar), static=len(fitted.static.mean),
        series=len(fitted.groups) * (1 if mixed else columns), embedding=model.embedding,
        outputs=len(model.quantiles) or 1,
    ))  # fmt: skip


def _refuse_contradictions(config: RunConfig) -> None:
    model, train = config.model, config.train
    if model.decoder == "recursive" and config.data.past:
        raise ConfigError(
            "model.decoder = 'recursive' needs inputs that are known ahead, but data.past = "
            f"{list(config.data.past)} are not; use model.decoder = 'direct'"
        )
    if bool(model.quantiles) != (train.loss == "pinball"):
        raise ConfigError(
            f"train.loss = {train.loss!r} and model.quantiles = {list(model.quantiles)} contradict "
            "each other: pinball needs quantiles, and quantiles need pinball"
        )
    lag = config.transform.difference
    if model.quantiles and lag and lag < (model.horizon or 1):
        raise ConfigError(
            f"transform.difference = {lag} with quantiles: quantiles of differences do not add up "
            f"over the horizon {model.horizon}; use a lag of at least the horizon, or none"
        )
    if train.device != "cpu":
        try:
            torch.zeros(1, device=train.device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(
                f"train.device = {train.device!r} is not usable here: "
                f"{str(error).splitlines()[0]}; use 'cpu'"
            ) from None

"""The forecasting task: windows in, loss out, and forecasts in the user's units."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.config import RunConfig
from longshort.data.panel import Floats, Panel
from longshort.data.split import Split
from longshort.data.windows import Batch, Origins, WindowReader
from longshort.errors import ConfigError
from longshort.tasks.cell import chosen_cell
from longshort.tasks.forecast.calibration import quantile_shifts
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.floor import within_floor
from longshort.tasks.forecast.linear import LinearWindows, history, plan_of, thinned, to_user_units
from longshort.tasks.forecast.network import LinkedNetwork, NetworkPlan, WindowNetwork
from longshort.train.learning import Learning, WeightGroup

_PIECE = 2048
_MAX_VALIDATED = 8192
_MEASURES = {
    "mse": "MSE (scaled)",
    "mae": "MAE (scaled)",
    "huber": "Huber loss (scaled)",
    "mase": "MASE",
    "poisson": "Poisson loss",
    "pinball": "pinball loss (scaled)",
}
_LEAST_RATE = 0.01
_LINEAR_RATE = 0.05
"""The linear path starts at its optimum, so it moves at this share of the learning rate."""


class Forecaster:
    """A network with the fitted numbers it needs: forecasts for any panel of the same schema."""

    def __init__(
        self, config: RunConfig, fitted: Fitted, network: nn.Module, shifts: Floats | None = None
    ) -> None:
        self.config = config
        self.fitted = fitted
        self.network = network
        self.shifts = shifts
        """How far quantiles are moved, [Q, H], where they were calibrated."""

    def for_data(self, fitted: Fitted) -> Forecaster:
        """The same for other data."""
        return Forecaster(self.config, fitted, self.network, self.shifts)

    def forecast(self, reader: WindowReader, origins: Origins) -> Floats:
        """Forecasts [m, H, Q] in the user's units, one row per origin and column."""
        return self.calibrated(reader, origins, self.uncalibrated(reader, origins))

    def calibrated(self, reader: WindowReader, origins: Origins, quantiles: Floats) -> Floats:
        """Quantiles [m, H, Q] moved as the validation part asks for."""
        if self.shifts is None:
            return quantiles
        flat = reader.flat(origins)
        spread = self.fitted.zscore.scale[flat.group, flat.column][:, None, None]
        moved = quantiles + self.shifts.T * spread
        return self._bounded(reader, flat, moved)

    def uncalibrated(self, reader: WindowReader, origins: Origins) -> Floats:
        """As the network gives them."""
        pieces = [
            self._piece(reader, origins[begin : begin + _PIECE])
            for begin in range(0, len(origins), _PIECE)
        ]
        return np.concatenate(pieces)

    def _piece(self, reader: WindowReader, origins: Origins) -> Floats:
        self.network.eval()
        with torch.no_grad():
            batch = to_device(reader.gather(origins), self.config.train.device)
            scaled = self.network(batch).cpu().double().numpy()
        scaled = scaled.transpose(0, 2, 1, 3).reshape(-1, scaled.shape[1], scaled.shape[3])
        flat = reader.flat(origins)
        user = to_user_units(self.fitted, reader, flat, scaled)
        return self._bounded(reader, flat, user)

    def _bounded(self, reader: WindowReader, flat: Origins, user: Floats) -> Floats:
        """Quantiles [m, H, Q] in their order, and no lower than the series allows."""
        user = self._still(reader, flat, user)
        return np.sort(within_floor(self.config, self.fitted, reader.panel, flat, user), axis=2)

    def _still(self, reader: WindowReader, flat: Origins, user: Floats) -> Floats:
        """A series that has never moved stays where it is."""
        stays = self.stays(reader, flat)
        if not stays.any():
            return user
        user = user.copy()
        user[stays] = self.fitted.lowest[flat.group, flat.column][stays][:, None, None]
        return user

    def stays(self, reader: WindowReader, flat: Origins) -> NDArray[np.bool_]:
        """Whose series has never moved, in training or in the window, [m]."""
        lowest = self.fitted.lowest[flat.group, flat.column]
        found = lowest == self.fitted.highest[flat.group, flat.column]
        rows = np.flatnonzero(found)
        for begin in range(0, rows.size, _PIECE):
            some = rows[begin : begin + _PIECE]
            past = history(reader.panel, flat[some], reader.context)
            found[some] = np.all(past == lowest[some, None], axis=1)
        return np.asarray(found)


class ForecastTask(Learning):
    """A forecaster in training: its windows of the training and the validation part."""

    def __init__(self, config: RunConfig, panel: Panel, split: Split) -> None:
        _refuse_contradictions(config)
        self.config = config
        self.panel = panel
        self.split = split
        self.fitted = Fitted.fit(panel, split, config)
        self.reader = self.fitted.reader(panel, config)
        self._train = self.reader.origins("train", split)
        self._val = thinned(self.reader.origins("val", split), _MAX_VALIDATED)
        for part, found in (("train", self._train), ("val", self._val)):
            if not len(found):
                raise ConfigError(
                    f"split: the {part} part has no complete window of context_length "
                    f"{config.model.context_length} + horizon {config.model.horizon}; make it "
                    "larger, or those smaller"
                )
        torch.manual_seed(config.train.seed)
        self.network = build_network(config, self.fitted)
        self._start_linear_path()
        self.network.to(config.train.device)
        self.forecaster = Forecaster(config, self.fitted, self.network)
        self._unit = _UserUnit(config, self.fitted)
        if config.train.loss == "poisson":
            _refuse_negative(panel, self.fitted)

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    def weight_groups(self) -> list[WeightGroup]:
        """The linear path learns slowly and does not decay."""
        named = list(self.network.named_parameters())
        straight = [w for name, w in named if name.endswith("linear.weight")]
        others = [w for name, w in named if not name.endswith("linear.weight")]
        groups = [WeightGroup(others)]
        return [*groups, WeightGroup(straight, _LINEAR_RATE, decay=False)] if straight else groups

    @property
    def num_samples(self) -> int:
        """Training windows."""
        return len(self._train)

    def loss(self, samples: Tensor) -> Tensor:
        """Mean loss over the known values of these windows."""
        batch = to_device(
            self.reader.gather(self.training_origins(samples)), self.config.train.device
        )
        return self._loss(batch)

    def training_origins(self, samples: Tensor) -> Origins:
        """The training windows with these numbers."""
        return self._train[samples.numpy()]

    @property
    def measure(self) -> str:
        """The loss, on what the network sees."""
        return _MEASURES[self.config.train.loss or "mse"]

    def validate(self) -> float:
        """Mean loss over the validation windows."""
        total, count = 0.0, 0.0
        for begin in range(0, len(self._val), _PIECE):
            batch = to_device(
                self.reader.gather(self._val[begin : begin + _PIECE]), self.config.train.device
            )
            known = float(batch.observed.sum())
            total += float(self._loss(batch)) * known
            count += known
        return total / count

    def _loss(self, batch: Batch) -> Tensor:
        forecast: Tensor = self.network(batch)
        target = batch.target.unsqueeze(-1)
        kind = self.config.train.loss
        if kind in ("mase", "poisson"):
            effects = batch.effects.unsqueeze(-1)
            forecast, target = (self._unit(v + effects, batch.series) for v in (forecast, target))
        error = target - forecast
        if kind == "poisson":
            each = nn.functional.poisson_nll_loss(
                positive(forecast), target, log_input=False, reduction="none"
            )
        elif kind == "pinball":
            levels = torch.tensor(self.config.model.quantiles, device=error.device)
            each = torch.maximum(levels * error, (levels - 1) * error)
        elif kind == "huber":
            each = nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
        else:
            each = error.square() if kind == "mse" else error.abs()
        return torch.sum(each.mean(-1) * batch.observed) / torch.sum(batch.observed)

    @property
    def windows(self) -> LinearWindows:
        """What the linear baseline is fitted to."""
        return LinearWindows(self.reader, self._train, self._val, "last")

    def calibrate(self) -> None:
        """Let the forecaster's quantiles cover the validation part as they should."""
        model = self.config.model
        if not (model.calibrate and model.quantiles):
            return
        flat = self.reader.flat(self._val)
        quantiles = self.forecaster.uncalibrated(self.reader, self._val)
        # Series that have never moved are nearly always right, which says nothing of the others.
        moving = np.flatnonzero(~self.forecaster.stays(self.reader, flat))
        flat, quantiles = flat[moving], quantiles[moving]
        spread = self.fitted.zscore.scale[flat.group, flat.column]
        truth = self.reader.truth(flat)
        self.forecaster.shifts = quantile_shifts(
            truth, quantiles, spread, model.quantiles, model.middle
        )

    def _start_linear_path(self) -> None:
        """Least squares on the windows as the network sees them."""
        model = self.config.model
        if not model.linear:
            return
        windows = LinearWindows(self.reader, self._train, self._val, model.instance_norm)
        found = windows.least_squares(plan_of(self.config, self.fitted.past.width))
        inner = self.network.each if isinstance(self.network, LinkedNetwork) else self.network
        with torch.no_grad():
            inner.linear.weight.copy_(torch.from_numpy(found.weights.T))


def positive(rate: Tensor) -> Tensor:
    """The rate itself, and a smooth way down to 0 below a hundredth."""
    return torch.where(
        rate > _LEAST_RATE, rate, _LEAST_RATE * torch.exp((rate / _LEAST_RATE - 1).clamp(max=0))
    )


class _UserUnit:
    """Scaled values [B, H, C, Q] in the data's units; for the loss MASE divided by each series'
    seasonal naive error."""

    def __init__(self, config: RunConfig, fitted: Fitted) -> None:
        self.log1p = config.transform.log1p
        self.joint = config.model.channels != "independent"
        naive = np.where(fitted.naive_error > 0, fitted.naive_error, np.inf)
        weight = 1 / naive if config.train.loss == "mase" else np.ones_like(naive)
        numbers = np.stack([fitted.transform.location, fitted.transform.scale, weight])
        self.numbers = torch.as_tensor(numbers, dtype=torch.float32)

    def __call__(self, values: Tensor, series: Tensor) -> Tensor:
        chosen = series.cpu()
        if self.joint:
            numbers = self.numbers[:, chosen, None, :, None]
        else:
            numbers = self.numbers.flatten(1)[:, chosen, None, None, None]
        location, scale, weight = numbers.to(values.device).unbind(0)
        user = values * scale + location
        return (torch.expm1(user) if self.log1p else user) * weight


def to_device(batch: Batch, device: str) -> Batch:
    """The batch on a device; the batch itself on the CPU."""
    if device == "cpu":
        return batch
    moved = {name: value.to(device) for name, value in vars(batch).items()}
    return Batch(**moved)


def build_network(config: RunConfig, fitted: Fitted) -> WindowNetwork | LinkedNetwork:
    """The untrained network of a resolved config and the series it was fitted on."""
    model = config.model
    calendar = config.data.calendar
    if not (model.hidden and model.context_length and model.horizon and model.patch) or (
        calendar is None
    ):
        raise ConfigError(
            "model.hidden, context_length, horizon, patch and data.calendar must be decided; a "
            "run's config.toml without them is damaged"
        )
    columns = fitted.zscore.location.shape[1]
    plan = NetworkPlan(
        cell=chosen_cell(model),
        hidden=model.hidden,
        num_layers=model.num_layers,
        dropout=model.dropout,
        residual=model.residual,
        context=model.context_length,
        horizon=model.horizon,
        patch=model.patch,
        decoder=model.decoder,
        instance_norm=model.instance_norm,
        linear=model.linear,
        straight=plan_of(config, fitted.past.width),
        level=bool(model.level),
        columns=1 if model.channels == "independent" else columns,
        past=fitted.past.width,
        future=fitted.future.width + 2 * len(calendar),
        static=fitted.static.width,
        series=len(fitted.groups) * (1 if model.channels == "mixed" else columns),
        embedding=model.embedding,
        outputs=len(model.quantiles) or 1,
        middle=model.middle,
    )
    return LinkedNetwork(plan, model.rank) if model.channels == "linked" else WindowNetwork(plan)


def _refuse_negative(panel: Panel, fitted: Fitted) -> None:
    """Counts are never below 0."""
    below = np.argwhere(fitted.lowest < 0)
    if len(below):
        group, column = below[0]
        raise ConfigError(
            "train.loss = 'poisson' is for counts, and "
            f"{panel.series_name(int(group), int(column))} goes down to "
            f"{fitted.lowest[group, column]:g}; use another loss"
        )


def _refuse_contradictions(config: RunConfig) -> None:
    model, train = config.model, config.train
    if model.decoder == "recursive" and model.channels == "linked":
        raise ConfigError(
            "model.decoder = 'recursive' with model.channels = 'linked': the mix of the columns is "
            "not known ahead; use model.decoder = 'direct'"
        )
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
    if lag and train.loss in ("mase", "poisson"):
        raise ConfigError(
            f"train.loss = {train.loss!r} with transform.difference = {lag}: the error in the "
            "data's units is not that of a difference; use train.loss = 'mae', or no difference"
        )
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

"""Training of a forecaster on windows of the training and the validation split."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from longshort.data.windows import Batch, Origins, Singles
from longshort.runs.tensors import on_device
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import PIECE, ForecastModel
from longshort.tasks.forecast.linear import LinearWindows, Norm
from longshort.tasks.forecast.linear_inputs import LinearPlan
from longshort.tasks.forecast.network import InstanceNorm, LinkedNetwork, instance_norm
from longshort.tasks.forecast.windows import Windows
from longshort.train.learning import Learning, TrainPlan, WeightGroup

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
"""Share of the learning rate for the linear path, since it starts at its optimum."""


class ForecastLearning(Learning):
    """A forecaster's network in training."""

    def __init__(self, model: ForecastModel, train: Windows, val: Windows) -> None:
        self.config, self.network = model.config, model.network
        self.reader = train.reader
        self._train, self._val = train.origins, val.for_validation.origins
        self._unit = _UserUnit(model.encoder)

    def plan(self) -> TrainPlan:
        """Return the amount of training that the settings give."""
        steps = self.config.train
        assert steps.batch_size and steps.steps_per_epoch and steps.max_epochs
        return TrainPlan(steps.batch_size, steps.steps_per_epoch, steps.max_epochs)

    @property
    def module(self) -> nn.Module:
        """The network."""
        network: nn.Module = self.network
        return network

    def weight_groups(self) -> list[WeightGroup]:
        """Return the linear path as a group of its own, which learns slowly and does not decay."""
        named = list(self.network.named_parameters())
        straight = [w for name, w in named if name.endswith("linear.weight")]
        others = [w for name, w in named if not name.endswith("linear.weight")]
        groups = [WeightGroup(others)]
        return [*groups, WeightGroup(straight, _LINEAR_RATE, decay=False)] if straight else groups

    @property
    def num_samples(self) -> int:
        """Number of training windows."""
        return len(self._train)

    def loss(self, samples: Tensor) -> Tensor:
        """Return the mean loss over the known values of these windows."""
        return self._loss(self._batch(self.training_origins(samples)))

    def training_origins(self, samples: Tensor) -> Origins:
        """Return the origins of the training windows with these numbers."""
        return self._train[samples.numpy()]

    @property
    def measure(self) -> str:
        """Name of the loss."""
        return _MEASURES[self.config.train.loss or "mse"]

    def validate(self) -> float:
        """Return the mean loss over the validation windows."""
        total, count = 0.0, 0.0
        for begin in range(0, len(self._val), PIECE):
            batch = self._batch(self._val[begin : begin + PIECE])
            known = float(batch.observed.sum())
            total += float(self._loss(batch)) * known
            count += known
        return total / count

    def _batch(self, origins: Origins) -> Batch[Tensor]:
        found: Batch[Tensor] = on_device(self.reader.gather(origins), self.config.train.device)
        return found

    def _loss(self, batch: Batch[Tensor]) -> Tensor:
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


def start_linear_path(model: ForecastModel, train: Windows, val: Windows) -> None:
    """Fit the linear path by least squares on windows in the network's norm."""
    config, network = model.config, model.network
    if not config.model.linear:
        return
    norm = _as_arrays(config.model.instance_norm)
    windows = LinearWindows(train.reader, train.origins, val.for_validation.origins, norm)
    found = windows.least_squares(LinearPlan.of(model.encoder))
    inner = network.each if isinstance(network, LinkedNetwork) else network
    with torch.no_grad():
        inner.linear.weight.copy_(torch.from_numpy(found.weights.T))


def _as_arrays(kind: InstanceNorm) -> Norm:
    """Return the network's norm of windows for arrays."""

    def norm(context: Singles) -> tuple[Singles, Singles]:
        location, scale = instance_norm(torch.from_numpy(context), kind)
        return location.numpy(), scale.numpy()

    return norm


def positive(rate: Tensor) -> Tensor:
    """Return the rate itself, or below a hundredth a smooth positive function that falls to 0."""
    return torch.where(
        rate > _LEAST_RATE, rate, _LEAST_RATE * torch.exp((rate / _LEAST_RATE - 1).clamp(max=0))
    )


class _UserUnit:
    """A scale from scaled values [B, H, C, Q] to the data's units.

    For the loss MASE, values are divided by each series' seasonal naive error.
    """

    def __init__(self, encoder: ForecastEncoder) -> None:
        config = encoder.config
        self.log1p = config.transform.log1p
        self.joint = config.model.is_joint
        naive = np.where(encoder.naive_error > 0, encoder.naive_error, np.inf)
        weight = 1 / naive if config.train.loss == "mase" else np.ones_like(naive)
        numbers = np.stack([encoder.transform.location, encoder.transform.scale, weight])
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

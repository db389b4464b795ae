"""Training on windows of the normal rows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.errors import DataError
from longshort.runs.task import Model
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Signals
from longshort.tasks.anomaly.network import Batch, Watcher
from longshort.train.learning import Learning, TrainPlan

_MOST_VALIDATED = 256
_SHORTEST = 8
_SKIPPED = 5


class WatchLearning(Learning):
    """Training on windows of `train.bptt` steps, drawn from the training rows of all series."""

    def __init__(
        self, model: Model[AnomalyConfig, AnomalyEncoder], train: Signals, val: Signals, name: str
    ) -> None:
        self.config, self.network = model.config, model.network
        self.train, self.val = train, val
        self.reach = model.config.model.ahead
        shortest = int((train.end - train.start).max())
        self.steps = min(self.config.train.bptt, shortest - self.reach)
        if self.steps < _SHORTEST:
            raise DataError(
                f"{name}: the longest series has {shortest:,} rows to learn from; with "
                f"model.ahead = {self.reach} at least {_SHORTEST + self.reach} are needed"
            )
        self._starts = window_starts(train, self.steps + self.reach)
        checked = window_starts(val, min(self.steps, _reach_of(val, self.reach)) + self.reach)
        self._val_steps = min(self.steps, _reach_of(val, self.reach))
        self._checked = checked[:: max(1, len(checked) // _MOST_VALIDATED)]

    def plan(self) -> TrainPlan:
        """Return the amount of training that the settings give."""
        train = self.config.train
        return TrainPlan(train.batch_size, train.steps_per_epoch, train.max_epochs)

    @property
    def module(self) -> nn.Module:
        """The network."""
        network: nn.Module = self.network
        return network

    @property
    def num_samples(self) -> int:
        """Number of training windows."""
        return len(self._starts)

    @property
    def measure(self) -> str:
        """Name of the loss on validation windows; empty if there is none."""
        return "loss of normal windows" if len(self._checked) else ""

    def loss(self, samples: Tensor) -> Tensor:
        """Return the mean loss of these windows."""
        starts = self._starts[samples.numpy()]
        return self._loss(self.train, starts, self.steps)

    @torch.no_grad()
    def validate(self) -> float | None:
        """Return the loss of validation windows, without dropout."""
        if not len(self._checked):
            return None
        self.network.eval()
        found = self._loss(self.val, self._checked, self._val_steps)
        return float(found)

    def _loss(self, signals: Signals, starts: NDArray[np.int64], steps: int) -> Tensor:
        network: Watcher = self.network
        batch = windows(signals, starts, steps, self.reach, self.config.train.device)
        return network.loss(batch, min(_SKIPPED, steps // 4))


def _reach_of(signals: Signals, ahead: int) -> int:
    """Return the number of steps of the longest window that the rows contain."""
    return max(1, int((signals.end - signals.start).max()) - ahead)


def window_starts(signals: Signals, size: int) -> NDArray[np.int64]:
    """Return the rows of the panel at which a window of `size` rows in [start, end) begins."""
    found = [
        np.arange(begin + first, begin + last - size + 1)
        for begin, first, last in zip(signals.offsets[:-1], signals.start, signals.end, strict=True)
    ]
    return np.concatenate(found).astype(np.int64)


def windows(
    signals: Signals, starts: NDArray[np.int64], steps: int, ahead: int, device: str
) -> Batch:
    """Return the windows that begin at these rows, as tensors."""
    place = starts[None] + np.arange(steps)[:, None]
    longer = starts[None] + np.arange(steps + ahead)[:, None]
    channels = signals.known.shape[1]
    return Batch(
        torch.from_numpy(signals.inputs[place]).to(device),
        torch.from_numpy(signals.inputs[longer][..., :channels]).to(device),
        torch.from_numpy(signals.usable[longer]).to(device),
        torch.from_numpy(signals.linear[place].astype(np.float32)).to(device),
    )

"""Training whose loss changes on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.runs.batches import BatchLearning
from longshort.runs.task import Encoded, Loss, Model
from longshort.runs.tensors import on_device

LossAt = Callable[[Model[Any, Any], Any, float], Loss]


class GradualLearning(BatchLearning):
    """Counts the steps, which a checkpoint keeps, so that the loss knows how far training is.

    task: has the method `loss_at`, the loss when a share of the training is done.
    """

    def __init__(
        self, task: Any, model: Model[Any, Any], train: Encoded[Any], val: Encoded[Any]
    ) -> None:
        super().__init__(task, model, train, val)
        self.loss_at: LossAt = task.loss_at
        self.steps, self.total = 0, self.plan().total_steps

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of these training samples as it is reported, and as it is minimised."""
        batch = self.train.arrays.batch(samples.numpy())
        share = min(1.0, self.steps / max(1, self.total))
        self.steps += 1
        return self.loss_at(self.model, on_device(batch, self.model.device), share)

    def carried(self) -> dict[str, Tensor]:
        """Return the number of steps."""
        return {"steps": torch.tensor(self.steps)}

    def carry(self, tensors: dict[str, Tensor]) -> None:
        """Restore the number of steps."""
        self.steps = int(tensors["steps"])


def stepwise_notes(task: Any, model: Model[Any, Any], train: Encoded[Any]) -> list[str]:
    """Say that scheduled sampling trains step by step, and how much longer a batch takes by it.

    The time is that of one batch and its gradients, the better of two; it leaves weights and random
    numbers as they were.
    """
    settings = model.config.train
    if not settings.scheduled_sampling:
        return []
    note = "note: train.scheduled_sampling: the decoder is trained step by step"
    if next(model.network.parameters()).device != torch.device(model.device):
        return [note]
    rows = np.arange(min(settings.batch_size, len(train.arrays.lengths)))
    batch = on_device(train.arrays.batch(rows), model.device)
    whole, stepwise = (_seconds(task.loss_at, model, batch, share) for share in (0.0, 1.0))
    return [f"{note}; a batch takes {stepwise / whole:.1f} times as long ({stepwise:.2f} s)"]


def _seconds(loss_at: LossAt, model: Model[Any, Any], batch: Any, share: float) -> float:
    found = []
    with torch.random.fork_rng(devices=[]):
        for _ in range(2):
            begin = time.perf_counter()
            torch.autograd.backward(loss_at(model, batch, share).minimised)
            found.append(time.perf_counter() - begin)
    model.network.zero_grad(set_to_none=True)
    return min(found)

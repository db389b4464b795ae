"""Training on pairs whose loss changes on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from longshort.runs.batches import BatchLearning
from longshort.runs.task import Encoded, Loss, Model
from longshort.runs.tensors import on_device

LossAt = Callable[[Model[Any, Any], Any, float], Loss]


class PairLearning(BatchLearning):
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

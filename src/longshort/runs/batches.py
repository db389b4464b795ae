"""Training on samples that are independent of each other, in batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from longshort.data.buckets import bucketed
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import Encoded, Model
from longshort.runs.tensors import on_device
from longshort.train.learning import Learning, TrainPlan


class BatchLearning(Learning):
    """Trains a sample task's network; a batch is a tensor with the numbers of its samples."""

    def __init__(
        self,
        task: SampleTask[Any, Any, Any, Any],
        model: Model[Any, Any],
        train: Encoded[Any],
        val: Encoded[Any],
    ) -> None:
        self.task, self.model, self.train, self.val = task, model, train, val
        self.lengths = torch.from_numpy(train.arrays.lengths)

    @property
    def module(self) -> nn.Module:
        """The network that is trained."""
        network: nn.Module = self.model.network
        return network

    @property
    def num_samples(self) -> int:
        """Number of training samples."""
        return len(self.lengths)

    def plan(self) -> TrainPlan:
        """Plan `train.max_epochs` epochs over all training samples.

        `train.steps_per_epoch` caps the batches of an epoch.
        """
        train = self.model.config.train
        batches = len(self.drawn(train.batch_size, torch.Generator().manual_seed(0)))
        capped = min(batches, train.steps_per_epoch or batches)
        return TrainPlan(train.batch_size, capped, train.max_epochs)

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Return an epoch's batches: every sample once, or the first ones under the cap."""
        return self.drawn(plan.batch_size, draw)[: self.model.config.train.steps_per_epoch]

    def drawn(self, batch_size: int, draw: torch.Generator) -> list[Tensor]:
        """Draw an epoch's batches without a cap; each has samples of nearly the same length."""
        return bucketed(self.lengths, batch_size, draw)

    @property
    def unit(self) -> str:
        """Unit of throughput."""
        return self.task.words.unit

    def size(self, samples: Tensor) -> int:
        """Return the number of steps of these samples."""
        return int(self.lengths[samples].sum())

    def loss(self, samples: Tensor) -> Tensor:
        """Return the mean loss of these training samples."""
        return self.objective(samples)[0]

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of these training samples as it is reported, and as it is minimised."""
        batch = self.train.arrays.batch(samples.numpy())
        return self.task.loss(self.model, on_device(batch, self.model.device))

    @property
    def measure(self) -> str:
        """Name of the validation score; empty where there is no validation split."""
        return self.task.measure if len(self.val.samples) else ""

    def validate(self) -> float | None:
        """Return the task's score on the validation split; None where there is none."""
        if not len(self.val.samples):
            return None
        return self.task.validate(self.model, self.val)

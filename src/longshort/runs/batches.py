"""Training on samples that are independent of each other: batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longshort.data.buckets import bucketed
from longshort.runs.task import Encoded, Model, SampleTask
from longshort.train.learning import Learning, TrainPlan


class BatchLearning(Learning):
    """A task's network in training; a batch is named by the numbers of its samples."""

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
        """The network."""
        network: nn.Module = self.model.network
        return network

    @property
    def num_samples(self) -> int:
        """Training samples."""
        return len(self.lengths)

    def plan(self) -> TrainPlan:
        """Every training sample once an epoch, or what fits into `train.steps_per_epoch`."""
        train = self.model.config.train
        batches = len(self.drawn(train.batch_size, torch.Generator().manual_seed(0)))
        capped = min(batches, train.steps_per_epoch or batches)
        return TrainPlan(train.batch_size, capped, train.max_epochs)

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Each sample once, or as many as a cap leaves."""
        return self.drawn(plan.batch_size, draw)[: self.model.config.train.steps_per_epoch]

    def drawn(self, batch_size: int, draw: torch.Generator) -> list[Tensor]:
        """The batches of an epoch without a cap: samples of nearly the same length together."""
        return bucketed(self.lengths, batch_size, draw)

    @property
    def unit(self) -> str:
        """Of throughput."""
        return self.task.words.unit

    def size(self, samples: Tensor) -> int:
        """Steps of these samples."""
        return int(self.lengths[samples].sum())

    def loss(self, samples: Tensor) -> Tensor:
        """Mean loss of these training samples."""
        return self.objective(samples)[0]

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """The task's loss of these training samples: reported, and minimised."""
        batch = self.train.arrays.batch(samples.numpy())
        return self.task.loss(self.model, on_device(batch, self.model.device))

    @property
    def measure(self) -> str:
        """What the validation score is; empty where there is no validation split."""
        return self.task.measure if len(self.val.samples) else ""

    def validate(self) -> float | None:
        """The task's score on the validation split, where there is one."""
        if not len(self.val.samples):
            return None
        return self.task.validate(self.model, self.val)


def on_device(batch: Any, device: str) -> Any:
    """A dataclass of arrays as the same of tensors, dataclasses in it too.

    `lengths` stay on the CPU, where the layers want them.
    """
    moved: dict[str, Any] = {}
    for each in fields(batch):
        value = getattr(batch, each.name)
        if is_dataclass(value):
            value = on_device(value, device)
        elif isinstance(value, np.ndarray):
            value = torch.from_numpy(value)
            value = value if each.name == "lengths" else value.to(device)
        moved[each.name] = value
    return type(batch)(**moved)

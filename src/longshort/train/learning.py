"""What the training loop trains: a network, its batches, its loss and its validation score."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class TrainPlan:
    """How much is trained: `max_epochs` times `steps_per_epoch` batches of `batch_size`."""

    batch_size: int
    steps_per_epoch: int
    max_epochs: int

    @property
    def total_steps(self) -> int:
        """Batches in all, when nothing stops earlier."""
        return self.steps_per_epoch * self.max_epochs


@dataclass(frozen=True)
class WeightGroup:
    """Weights that learn at `rate` times the learning rate, and decay or not."""

    weights: list[nn.Parameter]
    rate: float = 1.0
    decay: bool = True


class Learning(ABC):
    """A network in training, with its training samples, its loss and its validation score."""

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The network that is trained."""

    def weight_groups(self) -> list[WeightGroup]:
        """All weights, in groups that learn alike."""
        return [WeightGroup(list(self.module.parameters()))]

    def clipped(self) -> list[list[nn.Parameter]]:
        """Weights whose gradients are clipped together: all, where nothing else is said."""
        return [[weight for group in self.weight_groups() for weight in group.weights]]

    @property
    @abstractmethod
    def num_samples(self) -> int:
        """How many training samples there are; a batch is named by their numbers."""

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """The numbers of the samples of an epoch's batches; all chance comes from `draw`.

        Here samples are shuffled, and few are gone through repeatedly. There should be
        `plan.steps_per_epoch` batches, more or less.
        """
        rounds = math.ceil(plan.steps_per_epoch * plan.batch_size / self.num_samples)
        passes = [torch.randperm(self.num_samples, generator=draw) for _ in range(rounds)]
        wanted = plan.steps_per_epoch * plan.batch_size
        return list(torch.cat(passes)[:wanted].view(-1, plan.batch_size))

    @property
    def unit(self) -> str:
        """What speed is told in."""
        return "samples"

    def size(self, samples: Tensor) -> int:
        """How many units these samples have."""
        return len(samples)

    def rate(self, samples: Tensor) -> float:
        """Share of the learning rate at which these samples are learned."""
        del samples
        return 1.0

    @abstractmethod
    def loss(self, samples: Tensor) -> Tensor:
        """Mean loss of the training samples with these numbers, [n] int64, as a scalar."""

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of these samples, which is told, and what is minimised.

        The second has the task's own penalties on top; here there are none.
        """
        loss = self.loss(samples)
        return loss, loss

    def carried(self) -> dict[str, Tensor]:
        """What goes from one batch to the next beside the weights, for a checkpoint."""
        return {}

    def carry(self, tensors: dict[str, Tensor]) -> None:
        """Go on with what `carried` told."""
        del tensors

    @property
    @abstractmethod
    def measure(self) -> str:
        """What `validate` returns, as people call it: "MSE (scaled)"; empty where that is None."""

    @abstractmethod
    def validate(self) -> float | None:
        """Score on the validation part with the present weights; lower is better.

        None where there is no such part; `train.choose` is then "last".
        """

"""The interface of what the training loop trains: network, batches, loss and validation score."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class TrainPlan:
    """Amount of training: `max_epochs` times `steps_per_epoch` batches of `batch_size` samples."""

    batch_size: int
    steps_per_epoch: int
    max_epochs: int

    @property
    def total_steps(self) -> int:
        """Number of batches without early stopping."""
        return self.steps_per_epoch * self.max_epochs


@dataclass(frozen=True)
class WeightGroup:
    """Weights with `rate` times the learning rate, with or without weight decay."""

    weights: list[nn.Parameter]
    rate: float = 1.0
    decay: bool = True


class Learning(ABC):
    """A network with its training samples, its loss and its validation score."""

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The network that is trained."""

    def weight_groups(self) -> list[WeightGroup]:
        """Return all weights, in groups with the same learning rate and weight decay."""
        return [WeightGroup(list(self.module.parameters()))]

    def clipped(self) -> list[list[nn.Parameter]]:
        """Return groups of weights whose gradients are clipped together; by default one of all."""
        return [[weight for group in self.weight_groups() for weight in group.weights]]

    @property
    @abstractmethod
    def num_samples(self) -> int:
        """Number of training samples; a batch is a tensor with the numbers of its samples."""

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Return the batches of an epoch, as numbers of samples.

        draw: source of all randomness. By default samples are shuffled, and repeated where there
        are few. About `plan.steps_per_epoch` batches are expected.
        """
        rounds = math.ceil(plan.steps_per_epoch * plan.batch_size / self.num_samples)
        passes = [torch.randperm(self.num_samples, generator=draw) for _ in range(rounds)]
        wanted = plan.steps_per_epoch * plan.batch_size
        return list(torch.cat(passes)[:wanted].view(-1, plan.batch_size))

    @property
    def unit(self) -> str:
        """Unit of throughput."""
        return "samples"

    def size(self, samples: Tensor) -> int:
        """Return the number of units in these samples."""
        return len(samples)

    def rate(self, samples: Tensor) -> float:
        """Return the share of the learning rate at which these samples are learned."""
        del samples
        return 1.0

    @abstractmethod
    def loss(self, samples: Tensor) -> Tensor:
        """Return the mean loss of the training samples with these numbers [n], int64; a scalar."""

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of these samples as it is reported, and as it is minimised.

        The second may have penalties of the task added; by default they are the same.
        """
        loss = self.loss(samples)
        return loss, loss

    @property
    def hands_on(self) -> bool:
        """Whether a batch begins with the states of the network that the one before it left."""
        return False

    def carried(self) -> dict[str, Tensor]:
        """Return the state that batches hand on besides the weights, for a checkpoint."""
        return {}

    def carry(self, tensors: dict[str, Tensor]) -> None:
        """Restore the state that `carried` returned."""
        del tensors

    @property
    @abstractmethod
    def measure(self) -> str:
        """Name of the score that `validate` returns, such as "MSE (scaled)"; empty for None."""

    @abstractmethod
    def validate(self) -> float | None:
        """Return the score of the present weights on the validation split; lower is better.

        None where there is no such split; `train.choose` is then "last".
        """

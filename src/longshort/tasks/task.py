"""What the training loop knows of any application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class WeightGroup:
    """Weights that learn at `rate` times the learning rate, and decay or not."""

    weights: list[nn.Parameter]
    rate: float = 1.0
    decay: bool = True


class Task(ABC):
    """A model, its training samples, its loss and its validation score."""

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The network that is trained."""

    def weight_groups(self) -> list[WeightGroup]:
        """All weights, in groups that learn alike."""
        return [WeightGroup(list(self.module.parameters()))]

    @property
    @abstractmethod
    def num_samples(self) -> int:
        """How many training samples there are; a batch is named by their numbers."""

    @abstractmethod
    def loss(self, samples: Tensor) -> Tensor:
        """Mean loss of the training samples with these numbers, [n] int64, as a scalar."""

    @abstractmethod
    def validate(self) -> float:
        """Score on the validation part with the present weights; lower is better."""

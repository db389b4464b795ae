"""What the training loop knows of any application."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Task(ABC):
    """A model, its training samples, its loss and its validation score."""

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The network that is trained."""

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

"""Training of a classifier's networks, and of the baseline of n-grams alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from longshort.config.training import TrainConfig
from longshort.data.buckets import POOL, bucketed, shuffled
from longshort.data.labelled import Examples
from longshort.data.padding import MOST_STEPS
from longshort.runs.batches import BatchLearning
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import Encoded, Model, Training
from longshort.runs.tensors import on_device
from longshort.tasks.classify.gram_network import GramNetwork
from longshort.tasks.classify.logits import logits_of
from longshort.tasks.classify.varied import varied
from longshort.train.learning import Learning, TrainPlan

_BATCH, _STEPS, _FEWEST, _MOST, _RATE = 32, 800, 5, 60, 0.003


class ClassifyLearning(BatchLearning):
    """Training of several networks side by side, each as it would be trained alone."""

    def __init__(
        self,
        task: SampleTask[Any, Any, Any, Any],
        model: Model[Any, Any],
        train: Encoded[Examples],
        val: Encoded[Examples],
    ) -> None:
        arrays = varied(model, train.samples, train.arrays)
        super().__init__(task, model, replace(train, arrays=arrays), val)

    def drawn(self, batch_size: int, draw: torch.Generator) -> list[Tensor]:
        """Return the batches of an epoch, of samples of nearly the same length.

        Few sequences of numbers are drawn at random, since batch normalisation needs mixed batches.
        """
        is_text = self.model.encoder.vocabulary is not None
        are_few = not is_text and self.num_samples <= POOL * batch_size
        make = shuffled if are_few else bucketed
        return make(self.lengths, batch_size, draw, MOST_STEPS // len(self._members))

    @property
    def _members(self) -> nn.ModuleList:
        members: nn.ModuleList = self.model.network.members
        return members

    def clipped(self) -> list[list[nn.Parameter]]:
        """Return the weights of each network, whose gradients are clipped separately."""
        return [list(member.parameters()) for member in self._members]

    @property
    def unit(self) -> str:
        """The unit of throughput."""
        return "time steps" if self.model.encoder.vocabulary is None else "tokens"

    @property
    def measure(self) -> str:
        """The score by which epochs are chosen; empty without a validation split."""
        if not len(self.val.samples):
            return ""
        measure: str = self.model.encoder.targets.measure
        weighed = self.model.config.train.class_weights is not None
        return measure.replace(")", ", labels weighed)") if weighed else measure


class GramLearning(Learning):
    """Training of the n-grams alone; the last weights are kept."""

    def __init__(self, model: Model[Any, Any], train: Encoded[Examples]) -> None:
        self.model, self.train = model, train

    @property
    def module(self) -> nn.Module:
        """The network."""
        network: GramNetwork = self.model.network
        return network

    @property
    def num_samples(self) -> int:
        """Number of training texts."""
        return len(self.train.samples)

    def loss(self, samples: Tensor) -> Tensor:
        """Return the mean cross entropy over networks, without weights of labels."""
        batch = on_device(self.train.arrays.batch(samples.numpy()), self.model.device)
        logits, targets = logits_of(self.model.network, batch), self.model.encoder.targets
        found: Tensor = targets.loss(logits, batch.targets, None, 0.0)
        return found

    @property
    def measure(self) -> str:
        """Empty, since no epoch is chosen."""
        return ""

    def validate(self) -> float | None:
        """Return None, since no epoch is chosen."""
        return None


def gram_training(model: Model[Any, Any], train: Encoded[Examples]) -> Training:
    """Return how the n-grams are trained: the batches, and a learning rate of their own."""
    learning = GramLearning(model, train)
    count = learning.num_samples
    batches = max(1, count // _BATCH)
    epochs = min(_MOST, max(_FEWEST, math.ceil(_STEPS / batches)))
    own = model.config.train
    settings = TrainConfig(learning_rate=_RATE, choose="last", seed=own.seed, device=own.device)
    return Training(learning, settings, TrainPlan(min(_BATCH, count), batches, epochs), True)

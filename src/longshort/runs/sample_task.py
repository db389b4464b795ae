"""Tasks whose samples are independent of each other."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from longshort.data.splits import S, Splits, make_splits, unlearned
from longshort.runs.task import C, E, Encoded, Loss, Model, P, Say, Task, Training


class SampleTask(Task[C, S, E, P]):
    """A task whose samples are independent: split at random, and identified by their content."""

    measure: ClassVar[str]
    """Name of the score that `validate` returns, for people."""

    def split(self, given: Any, config: Any) -> Splits[S]:
        """Return the splits; those that are not given are drawn at random, seeded."""
        split = config.split
        return make_splits(
            given, val=split.val, test=split.test, stratify=split.stratify, seed=split.seed
        )

    def unlearned(self, samples: S, model: Model[C, E], own: Splits[S] | None, say: Say) -> S:
        """Return the samples whose content is in neither the training nor the validation split."""
        del model
        found: S = unlearned(samples, own, self.words.samples, say)
        return found

    @abstractmethod
    def loss(self, model: Model[C, E], batch: Any) -> Loss:
        """Return the mean loss of a training batch: tensors on the network's device."""

    @abstractmethod
    def validate(self, model: Model[C, E], val: Encoded[S]) -> float:
        """Return the score on a validation split that is not empty; lower is better."""

    def training(self, model: Model[C, E], train: Encoded[S], val: Encoded[S]) -> Training:
        """Return how the network is trained; by default in batches of samples of similar length."""
        from longshort.runs.batches import BatchLearning

        learning = BatchLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

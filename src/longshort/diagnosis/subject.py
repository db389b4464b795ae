"""The subject of an examination: a network, its loss on batches, and how it is trained."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Seen = Callable[[nn.Module], AbstractContextManager[None]]
"""Changes what a network is given, inside a block."""
Changes = Mapping[str, Any]
"""Changes of a training by the name of what is changed, such as {"learning_rate": 0.01}.

For a run these are its settings by dotted key; for a module those of `of_module`.
"""


@dataclass(frozen=True)
class Course:
    """The course of one training.

    losses: mean training loss of each stretch; scores: validation score at the start and after each
    stretch, lower is better; norms: mean norm of the gradient before clipping of each stretch.
    reason: why it ended.
    """

    losses: list[float]
    scores: list[float]
    norms: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def start(self) -> float:
        """Score before training."""
        return self.scores[0]

    @property
    def best(self) -> float:
        """Lowest score; that of the start where training diverged at once."""
        finite = [score for score in self.scores if math.isfinite(score)]
        return min(finite, default=math.inf)

    @property
    def best_at(self) -> int:
        """Stretch with the lowest score; 0 is the start."""
        return self.scores.index(self.best) if self.best in self.scores else 0


def regained(base: Course, other: Course) -> float:
    """Share of what could be learned that the base missed and the other course learned.

    0: no better than the base; 1: the base learned nothing. It is (base - other) / (start - other)
    of the best scores, so the unit of the score does not matter.
    """
    start = max(base.start, other.start)
    possible = start - other.best
    if not (math.isfinite(possible) and possible > 0.0):
        return 0.0
    lost = base.best - other.best if math.isfinite(base.best) else possible
    if lost < _LEAST * max(abs(start), abs(other.best)):
        return 0.0
    return max(0.0, min(1.0, lost / possible))


_LEAST, _LEAST_HALF = 0.03, 0.07
"""Gain that counts, as a share of the score: smaller ones are noise of small validation splits."""


def halves(base: Course, other: Course) -> bool:
    """Whether the other course at least halves a positive score, and regains more than noise."""
    return regained(base, other) >= _LEAST_HALF and 0.0 < other.best <= 0.5 * base.best


class Subject(ABC):
    """A network with its loss and batches; experiments leave it as they found it.

    name: for headings. seed: of everything random in the experiments.
    """

    name: str
    seed: int
    carries_state: bool = False
    """Whether batches hand on a state by intent."""
    is_causal: bool = False
    """Whether outputs must not depend on later steps."""

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The network."""

    @property
    @abstractmethod
    def batches(self) -> Sequence[Any]:
        """Training batches in the order of an epoch."""

    @property
    def val_batches(self) -> Sequence[Any]:
        """Validation batches; empty where only a score is known."""
        return ()

    @abstractmethod
    def loss(self, batch: Any) -> Tensor:
        """Return the mean loss of a batch, a scalar, in the present mode of the network."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the state that earlier batches handed on."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """What can be changed, by the names of `changed`, with the present values.

        Some of learning_rate, weight_decay, dropout, clip, epochs, batch, width, cell, bptt, scale
        and optimizer.
        """

    @abstractmethod
    def changes(self, wanted: Mapping[str, Any]) -> Changes:
        """Return the changes that set these names of `settings` to these values."""

    @abstractmethod
    def train(self, changes: Changes, seed: int, seen: Seen | None = None) -> Course:
        """Train from the start as the subject would, with changes, for the budgeted steps.

        seen: changes what the network is given, in training and in scoring. The subject is left as
        it was.
        """

    def train_on(self, share: float, seed: int) -> Course | None:
        """Train on a share of the training samples, for as many steps as on all of them.

        None where they cannot be parted, or are too few.
        """
        del share, seed
        return None

    @abstractmethod
    def remedy(self, changes: Changes) -> str:
        """Return a ready command, or code, that makes these changes."""

    def can(self, change: str) -> bool:
        """Whether a training can be changed in this way, beyond `settings`."""
        del change
        return False

    def targets(self, batch: Any) -> Tensor | None:
        """Return the targets of a batch, where they are known."""
        del batch
        return None

    def lengths(self, batch: Any) -> Tensor | None:
        """Return the lengths [B] of a batch's samples, where they are known."""
        del batch
        return None

    @abstractmethod
    def begin(self) -> None:
        """Load the weights of before training; called within `untouched`."""

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Restore weights, buffers, gradients, modes and random state after the block."""
        module = self.module
        weights = {name: value.detach().clone() for name, value in module.state_dict().items()}
        modes = {name: each.training for name, each in module.named_modules()}
        gradients = [(weight, weight.grad) for weight in module.parameters()]
        for weight, _ in gradients:
            weight.grad = None
        random = torch.get_rng_state()
        torch.manual_seed(self.seed)
        self.forget()
        try:
            yield
        finally:
            module.load_state_dict(weights)
            for name, each in module.named_modules():
                each.training = modes[name]
            for weight, gradient in gradients:
                weight.grad = gradient
            torch.set_rng_state(random)
            self.forget()


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """Return the weights that learn."""
    return [weight for weight in module.parameters() if weight.requires_grad]

"""What the training loop tells its listeners: progress bar, log, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """Training begins, or goes on at `step` of `total_steps`."""

    step: int
    total_steps: int
    parameters: int
    unit: str
    """What speed is told in."""


@dataclass(frozen=True)
class Stepped:
    """One batch was learned; rates are measured since the start of this process."""

    step: int
    total_steps: int
    loss: float
    samples_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class EpochEnded:
    """An epoch ended; `record` is the line in metrics.jsonl.

    It has a `val_score` where there is a validation part.
    """

    record: dict[str, float | int]
    is_best: bool


@dataclass(frozen=True)
class Saved:
    """A checkpoint lies complete on the disk."""

    step: int


@dataclass(frozen=True)
class Ended:
    """Training is over."""

    reason: str
    best_epoch: int
    best_score: float | None
    """On the validation part; None where there is none."""
    seconds: float


Event = Started | Stepped | EpochEnded | Saved | Ended
Listener = Callable[[Event], None]


def silent(_: Event) -> None:
    """Listen to nothing."""

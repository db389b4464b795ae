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
    measure: str
    """What the validation score is, as people call it; empty where there is none."""


@dataclass(frozen=True)
class Stepped:
    """One batch was learned; rates are measured since the start of this process.

    Epochs count from 1; an epoch of random lengths may have other steps than were planned.
    """

    step: int
    total_steps: int
    epoch: int
    step_in_epoch: int
    steps_in_epoch: int
    loss: float
    samples_per_second: float
    epoch_seconds_left: float
    seconds_left: float
    """If training does not end earlier."""


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
    """Training is over; the score is of the kind that `Started` named."""

    reason: str
    best_epoch: int
    best_score: float | None
    """On the validation part; None where there is none."""
    seconds: float


@dataclass(frozen=True)
class Working:
    """Something else than training is being done: `done` of `total` parts, 0 of 0 if unknown."""

    what: str
    done: int = 0
    total: int = 0


Event = Started | Stepped | EpochEnded | Saved | Ended | Working
Listener = Callable[[Event], None]


def tracker(listen: Listener) -> Callable[[str, int, int], None]:
    """What tasks tell of their work besides training, as events."""
    return lambda what, done, total: listen(Working(what, done, total))


def silent(_: Event) -> None:
    """Listen to nothing."""

"""Events of the training loop, for the progress bar, the log and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """Training starts, or is resumed at `step` of `total_steps`."""

    step: int
    total_steps: int
    parameters: int
    unit: str
    """Unit of throughput."""
    measure: str
    """Name of the validation score for people; empty where there is none."""


@dataclass(frozen=True)
class Stepped:
    """A training step is done; rates are measured since the start of this process.

    Epochs count from 1. Where sequence lengths are random, an epoch may have more or fewer steps
    than planned.
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
    """Estimate without early stopping."""


@dataclass(frozen=True)
class EpochEnded:
    """An epoch ended; `record` is its line in `metrics.jsonl`.

    The record has a `val_score` where there is a validation split.
    """

    record: dict[str, float | int]
    is_best: bool


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written."""

    step: int


@dataclass(frozen=True)
class Ended:
    """Training ended; the score's name is `Started.measure`."""

    reason: str
    best_epoch: int
    best_score: float | None
    """On the validation split; None where there is none."""
    seconds: float


@dataclass(frozen=True)
class Working:
    """Work other than training: `done` of `total` units, 0 of 0 if unknown."""

    what: str
    done: int = 0
    total: int = 0


Event = Started | Stepped | EpochEnded | Saved | Ended | Working
Listener = Callable[[Event], None]


def tracker(listen: Listener) -> Callable[[str, int, int], None]:
    """Return a function that reports the progress of work besides training, as `Working` events."""
    return lambda what, done, total: listen(Working(what, done, total))


def silent(_: Event) -> None:
    """Ignore an event."""

"""What trials achieved at their rungs, on the validation split."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

DONE, DIVERGED, REFUSED = "done", "diverged", "refused"
"""How a trial stands: trained up to its rung; its loss became infinite; its settings contradict."""


@dataclass(frozen=True)
class Result:
    """A trial at the end of a rung.

    score: the best so far on the validation split, lower is better; None for a trial that failed,
    whose reason is `said`. train_loss: of its last epoch. epochs: trained so far. budget: epochs of
    its whole plan. metric: the task's, where the plan asks for it. spent: epochs trained in this
    rung; seconds: their time.
    """

    trial: int
    rung: int
    status: str
    score: float | None = None
    train_loss: float | None = None
    epochs: int = 0
    budget: int = 0
    spent: int = 0
    steps: int = 0
    seconds: float = 0.0
    parameters: int = 0
    metric: float | None = None
    said: str = ""

    @property
    def loss(self) -> float:
        """The score; infinite for a trial that failed."""
        return math.inf if self.score is None else self.score

    @property
    def step_seconds(self) -> float | None:
        """Seconds per training step; None where none was done."""
        return self.seconds / self.steps if self.steps else None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return asdict(self)


Results = Mapping[tuple[int, int], Result]
"""Results by number of the trial and of the rung."""


def standard_error(repeats: Iterable[list[float]]) -> float:
    """Return the standard error of a candidate's mean loss over its seeds.

    repeats: losses of every candidate's seeds. The variance is pooled over candidates, since that
    of two or three seeds alone is too uncertain to decide by; candidates of which one seed failed
    do not count. NaN where no candidate has two seeds.
    """
    usable = [np.array(each) for each in repeats if len(each) > 1 and np.isfinite(each).all()]
    if not usable:
        return math.nan
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in usable)
    freedom = sum(len(each) - 1 for each in usable)
    seeds = float(np.mean([len(each) for each in usable]))
    return math.sqrt(squares / freedom / seeds)

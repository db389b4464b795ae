"""The data on which candidates are tried: all of the training split, or a part of it."""

from __future__ import annotations

from copy import copy

from longshort.data.splits import with_part
from longshort.runs.abilities import Thins
from longshort.runs.lookup import AnyTask
from longshort.runs.sample_task import SampleTask
from longshort.tuning.plan import Candidate
from longshort.tuning.worker import AnyGround


class Grounds:
    """Returns the data of a candidate, read once for all."""

    def __init__(self, ground: AnyGround, seed: int) -> None:
        self.ground, self.seed = ground, seed

    def __call__(self, candidate: Candidate) -> AnyGround:
        """Return the data on which a candidate is tried."""
        if candidate.share == 1.0:
            return self.ground
        task, part = self.ground.task, copy(self.ground)
        thin = task.thinned if isinstance(task, Thins) else with_part
        part.splits = thin(self.ground.splits, candidate.share, self.seed)
        return part


def can_thin(kind: type[AnyTask]) -> bool:
    """Whether a task can learn from a part of its training split."""
    return issubclass(kind, (SampleTask, Thins))

"""The data on which candidates are tried: all of the training split, or a part of it."""

from __future__ import annotations

from copy import copy

from longshort.errors import ConfigError
from longshort.runs.abilities import Thins
from longshort.tune.plan import Candidate
from longshort.tune.worker import AnyGround


class Grounds:
    """Returns the data of a candidate, read once for all."""

    def __init__(self, ground: AnyGround, seed: int) -> None:
        self.ground, self.seed = ground, seed

    def __call__(self, candidate: Candidate) -> AnyGround:
        """Return the data on which a candidate is tried."""
        if candidate.share == 1.0:
            return self.ground
        task = self.ground.task
        if not isinstance(task, Thins):
            raise ConfigError(f"the task {task.name!r} cannot learn from a part of its data")
        part = copy(self.ground)
        part.splits = task.thinned(self.ground.splits, candidate.share, self.seed)
        return part

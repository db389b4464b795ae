"""A part of the training split to learn from, the other splits as they are."""

from __future__ import annotations

from copy import copy
from typing import Any

from longshort.data.splits import with_part
from longshort.runs.abilities import Thins
from longshort.runs.lookup import AnyTask
from longshort.runs.sample_task import SampleTask
from longshort.runs.trial import Ground

AnyGround = Ground[Any, Any, Any, Any]


def can_thin(kind: type[AnyTask]) -> bool:
    """Whether a task can learn from a part of its training split."""
    return issubclass(kind, (SampleTask, Thins))


def thinned(ground: AnyGround, share: float, seed: int) -> AnyGround:
    """Return the ground with a share of its training split; drawn by the seed where it is drawn."""
    if share == 1.0:
        return ground
    task, part = ground.task, copy(ground)
    thin = task.thinned if isinstance(task, Thins) else with_part
    part.splits = thin(ground.splits, share, seed)
    return part

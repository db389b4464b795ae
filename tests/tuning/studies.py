"""Small studies that take a second or two."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from longshort.config import assign
from longshort.runs.lookup import find_task
from longshort.runs.trial import Ground
from longshort.tuning.plan import Candidate, Plan, Rung
from longshort.tuning.planning import shared_settings
from longshort.tuning.results import DONE, Result
from tests.tiny_runs import small


def settings_of(task: str, **changes: object) -> tuple[dict[str, Any], object]:
    """Settings of a tiny run with these changes, and its data; a key's dot is written `__`."""
    shared, data = small(task)
    settings = deepcopy(shared)
    for key, value in {"train__max_epochs": 3, **changes}.items():
        assign(settings, key.replace("__", "."), value)
    return settings, data


def ground_of(task: str, **changes: object) -> Ground[Any, Any, Any, Any]:
    """The data of a tiny study."""
    settings, data = settings_of(task, **changes)
    return Ground(find_task(task), shared_settings(find_task(task), settings), data)


def ladder_plan(levels: int = 4, seeds: int = 2, keep: float = 1 / 3) -> Plan:
    """A plan of levels 1, 2, 4, …, each with one candidate, in three rungs."""
    candidates = tuple(Candidate(n, {"model.hidden": 2**n}, float(2**n)) for n in range(levels))
    rungs = tuple(Rung(share, seeds) for share in (1 / 9, 1 / 3, 1.0))
    return Plan("units", {"task": "any"}, "digest", 0, rungs, candidates, keep, "model.hidden")


def result(trial: int, rung: int, score: float | None, status: str = DONE) -> Result:
    """A result of a trial of nine epochs."""
    return Result(trial, rung, status, score=score, epochs=(1, 3, 9)[rung], budget=9, spent=1)


def texts(path: Path, rows: int = 120) -> Path:
    """A file of labelled texts whose labels follow from a word."""
    rng = np.random.default_rng(0)
    words = [("fine", "good"), ("bad", "poor")]
    lines = ["text,label"]
    for number in range(rows):
        word, label = words[int(rng.integers(2))]
        lines.append(f"a {word} day {number},{label}")
    path.write_text("\n".join(lines) + "\n")
    return path

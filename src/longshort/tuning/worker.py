"""A worker: takes trials of a study one after another until it is over.

All workers of a study are alike. Each finds out from plan and results what is to be done, so any of
them may come late, or end at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError, DataError, Interrupted
from longshort.runs.task import Say
from longshort.runs.trial import Ground, Trial
from longshort.train.events import Event, Stepped
from longshort.train.loop import TrainingDiverged, TrainResult
from longshort.tuning import lease
from longshort.tuning.halving import Standing, standing
from longshort.tuning.plan import Attempt, Candidate
from longshort.tuning.results import DIVERGED, DONE, REFUSED, Result
from longshort.tuning.study import Study, go_on_line

_WAIT = 0.2
"""Seconds until a worker without a free trial looks again."""

AnyGround = Ground[Any, Any, Any, Any]
GroundOf = Callable[[Candidate], AnyGround]
"""Returns the data on which a candidate is tried."""
Watch = Callable[[Standing], None]
"""Is told where a study stands, again and again."""


def work(study: Study, ground_of: GroundOf, watch: Watch, say: Say) -> None:
    """Train trials until every rung of the study is done.

    Raises `Interrupted` on Ctrl-C, after the present trial was saved.
    """
    with stoppable(study.path):
        while True:
            now = standing(study.plan, study.results())
            watch(now)
            if now.is_over:
                return
            if not _take_one(study, now, ground_of, watch, say):
                time.sleep(_WAIT)


@contextmanager
def stoppable(path: Path) -> Iterator[None]:
    """Say how the study in this folder goes on where the block is stopped by Ctrl-C."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        raise Interrupted(f"stopped and saved; go on with: {go_on_line(path)}") from None


def _take_one(study: Study, now: Standing, ground_of: GroundOf, watch: Watch, say: Say) -> bool:
    """Bring the first free trial to the end of its rung; returns whether there was one."""
    for attempt in now.open:
        held = study.claim(attempt.name)
        if held is None:
            continue
        with lease.kept(held):
            watch(now)
            if (attempt.number, now.rung) not in study.results():
                result = run_rung(study, attempt, now.rung, ground_of)
                if result.said:
                    say(
                        f"warning: trial {attempt.name} ({attempt.candidate.said()}): {result.said}"
                    )
                study.add(result)
        return True
    return False


def run_rung(study: Study, attempt: Attempt, rung: int, ground_of: GroundOf) -> Result:
    """Train a trial to the end of its rung, from its last checkpoint where there is one."""
    earlier = [study.results().get((attempt.number, before)) for before in range(rung)]
    failed = next((each for each in earlier if each is not None and each.status != DONE), None)
    if failed is not None:
        return Result(attempt.number, rung, failed.status)
    try:
        trial = ground_of(attempt.candidate).trial(changes_of(attempt), study.trial_folder(attempt))
        return _advanced(study, trial, attempt, rung)
    except TrainingDiverged as error:
        return Result(attempt.number, rung, DIVERGED, said=str(error))
    except (ConfigError, DataError) as error:
        return Result(attempt.number, rung, REFUSED, said=str(error))


def _advanced(
    study: Study, trial: Trial[Any, Any, Any, Any], attempt: Attempt, rung: int
) -> Result:
    budget, counter = trial.max_epochs, _Counter()
    until = study.plan.rungs[rung].epochs(budget)
    trained = trial.advance(until, counter.listen)
    last = trained.history[-1]
    before = study.results().get((attempt.number, rung - 1))
    epochs = int(last["epoch"])
    network = trial.job.model.network
    return Result(
        attempt.number,
        rung,
        DONE,
        score=_score(trial, trained),
        train_loss=last.get("train_loss"),
        epochs=epochs,
        budget=budget,
        spent=epochs - (before.epochs if before else 0),
        steps=counter.steps,
        seconds=trained.seconds,
        parameters=sum(weight.numel() for weight in network.parameters()),
        metric=_metric(trial) if study.plan.is_scored else None,
    )


def _score(trial: Trial[Any, Any, Any, Any], trained: TrainResult) -> float | None:
    """Return the score of the trained epochs that choosing weights goes by.

    That of the untrained network does not count: early on many candidates would share it.
    """
    scores = [float(each["val_score"]) for each in trained.history[1:] if "val_score" in each]
    is_last = trial.job.config.train.choose == "last"
    return (scores[-1] if is_last else min(scores)) if scores else None


def _metric(trial: Trial[Any, Any, Any, Any]) -> float:
    """Return the task's deciding metric on the validation split."""
    metric = trial.job.task.metric(trial.job.config)
    return float(trial.validate().values[metric.key])


class _Counter:
    """Counts training steps."""

    def __init__(self) -> None:
        self.steps = 0

    def listen(self, event: Event) -> None:
        """Count a step."""
        self.steps += isinstance(event, Stepped)


def changes_of(attempt: Attempt) -> dict[str, Any]:
    """Return the settings of a trial that are its own, its seed among them."""
    return {**attempt.candidate.changes, "train.seed": attempt.seed}

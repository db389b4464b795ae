"""The story of a study: plan, try, finish the winner, and answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longshort.runs import story
from longshort.runs.task import Say, quiet
from longshort.runs.trial import Ground
from longshort.train.events import Listener, silent
from longshort.tune import lease
from longshort.tune.answer import Answer, answer_of
from longshort.tune.board import Board
from longshort.tune.crew import crew
from longshort.tune.grounds import Grounds
from longshort.tune.planning import plan_search, refuse_no_validation, shared_settings
from longshort.tune.price import price_line
from longshort.tune.study import ENDING, Study, refuse_join
from longshort.tune.worker import AnyGround, work

TRIALS = 27
"""Candidates of a search where no number is given; of them three rungs leave one."""
_WAIT = 0.2


def tune(
    settings: Mapping[str, Any],
    out: Path,
    *,
    data: object = None,
    search: Mapping[str, object],
    trials: int = TRIALS,
    seeds: int = 1,
    seed: int = 0,
    workers: int = 1,
    say: Say = quiet,
    listen: Listener = silent,
) -> dict[str, Any]:
    """Search settings in the study folder `out`; returns the content of `answer.json`.

    settings, data, say, listen: as in `story.run`. search: ranges and lists by dotted key. trials:
    number of candidates. seeds: of each candidate. seed: that of the study. workers: processes on
    this machine, which change no number. A folder with the same study goes on.
    """
    task = story.task_of(settings)
    ground = Ground(task, shared_settings(task, settings), data)
    refuse_no_validation(ground)
    plan = plan_search(ground, search, trials, seeds, seed)
    if workers > 1:
        refuse_join(out, plan)
    return _worked_out(Study.begin(out, plan), ground, data, workers, say, listen)


def join(
    path: Path, *, workers: int = 1, say: Say = quiet, listen: Listener = silent
) -> dict[str, Any]:
    """Work at a study that another process began, or go on with one that was stopped.

    Returns the content of `answer.json`. Raises `RunError` if the data have changed since.
    """
    study = Study.open(path)
    refuse_join(path, study.plan)
    task = story.task_of(study.plan.settings)
    ground = Ground(task, study.plan.settings)
    study.refuse_other_data(task.digest(ground.splits))
    return _worked_out(study, ground, None, workers, say, listen)


def _worked_out(
    study: Study, ground: AnyGround, data: object, workers: int, say: Say, listen: Listener
) -> dict[str, Any]:
    """Try what the plan says, and end the study."""
    if study.answer is None:
        say(price_line(study.plan, ground))
        with crew(study.path, workers):
            with Board(study, say, workers) as board:
                work(study, Grounds(ground, study.plan.seed), board.watch, say, silent)
            return _ended(study, data, say, listen)
    return _ended(study, data, say, listen)


def _ended(study: Study, data: object, say: Say, listen: Listener) -> dict[str, Any]:
    """Finish the winner and write the answer, or wait for the process that does."""
    while study.answer is None:
        held = study.claim(ENDING)
        if held is None:
            time.sleep(_WAIT)
            continue
        with lease.kept(held):
            if study.answer is None:
                found = answer_of(study)
                _finish(study, found, data, say, listen)
    answer = study.answer
    assert answer is not None
    return answer


def _finish(study: Study, found: Answer, data: object, say: Say, listen: Listener) -> None:
    """Make a whole run of the winner, which alone sees the test split, and write the answer."""
    folder = study.trial_folder(found.winner)
    say(f"the winner becomes a whole run: {folder}")
    scores = story.resume(folder, data, say=quiet, listen=listen)
    study.end(found.to_dict(folder, scores))

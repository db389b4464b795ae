"""The story of a study: plan, try, finish the winner, and answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError, nearest
from longshort.runs import story
from longshort.runs.task import quiet
from longshort.runs.thinning import thinned
from longshort.runs.trial import Ground
from longshort.tuning import lease
from longshort.tuning.answer import answer_of
from longshort.tuning.board import Audience, Board
from longshort.tuning.cluster import load_ray, ray_crew
from longshort.tuning.crew import local_crew
from longshort.tuning.page import study_page
from longshort.tuning.planning import plan_search, refuse_no_validation, shared_settings
from longshort.tuning.price import price_line
from longshort.tuning.questions import WINDOW, Asked, plan_question
from longshort.tuning.reach import window_facts
from longshort.tuning.study import ENDING, Study, refuse_join
from longshort.tuning.tpe import load_optuna, work_with_optuna
from longshort.tuning.worker import AnyGround, GroundOf, stoppable, work

TRIALS = 27
"""Candidates of a search where no number is given; of them three rungs leave one."""
HALVING, OPTUNA, RAY = "halving", "optuna", "ray"
ENGINES = (HALVING, OPTUNA, RAY)
NOBODY = Audience()
_WAIT = 0.2
Crew = Callable[[Path], AbstractContextManager[None]]
"""Lets further workers join the study in a folder."""


def tune(
    settings: Mapping[str, Any],
    out: Path,
    *,
    data: object = None,
    question: str | None = None,
    search: Mapping[str, object] | None = None,
    values: Sequence[float] = (),
    trials: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    workers: int = 1,
    engine: str = HALVING,
    audience: Audience = NOBODY,
) -> dict[str, Any]:
    """Answer a question about settings, or search them; returns the content of `answer.json`.

    settings, data: as in `story.run`. out: folder of the study; one that holds the
    same study goes on. question: one of `QUESTIONS`; None: a search. values: the question's ladder,
    instead of its usual one. search: ranges and lists by dotted key. trials: candidates of a
    search. seeds: of each candidate. seed: that of the study. workers: processes on this machine,
    which change no number but with Optuna. engine: one of `ENGINES`.

    Raises `ConfigError` for settings, spaces and questions that are not allowed, `DataError` for
    data that cannot answer, and `RunError` for a folder of another study.
    """
    _refuse_engine(engine, question)
    task = story.task_of(settings)
    ground = Ground(task, shared_settings(task, settings), data)
    refuse_no_validation(ground)
    if question is None:
        _refuse_values(values)
        _refuse_several_seeds(engine, seeds)
        is_proposed = engine == OPTUNA
        plan = plan_search(
            ground, search or {}, trials or TRIALS, seeds or 1, seed, is_proposed=is_proposed
        )
    else:
        _refuse_search(question, search, trials)
        plan = plan_question(question, Asked(ground, values, seeds, seed))
    if workers > 1 or engine == RAY:
        refuse_join(out, plan)
    crew = ray_crew if engine == RAY else local_crew
    joined = partial(crew, workers=workers)
    return _worked_out(Study.begin(out, plan), ground, data, joined, audience)


def _refuse_engine(engine: str, question: str | None) -> None:
    """Raise `ConfigError` for an engine that is unknown, absent, or of searches alone."""
    if engine not in ENGINES:
        raise ConfigError(f"engine: {engine!r} is not known; {nearest(engine, ENGINES)}")
    if engine == OPTUNA:
        if question is not None:
            raise ConfigError(
                f"engine: optuna proposes candidates of a search, and --question {question} has a "
                "ladder; leave --engine out"
            )
        load_optuna()
    if engine == RAY:
        load_ray()


def _refuse_several_seeds(engine: str, seeds: int | None) -> None:
    if engine == OPTUNA and seeds not in (None, 1):
        raise ConfigError("--seeds: optuna's candidates have one seed each; leave it out")


def _refuse_values(values: Sequence[float]) -> None:
    if values:
        raise ConfigError("--values: is the ladder of a --question; give ranges with --search")


def _refuse_search(question: str, search: Mapping[str, object] | None, trials: int | None) -> None:
    if search or trials is not None:
        given = "--search" if search else "--trials"
        raise ConfigError(
            f"{given}: is of a search, and --question {question} has a ladder of its own; leave "
            "one of them out, or give --values"
        )


def join(path: Path, *, workers: int = 1, audience: Audience = NOBODY) -> dict[str, Any]:
    """Work at a study that another process began, or go on with one that was stopped.

    Returns the content of `answer.json`. Raises `RunError` if the data have changed since.
    """
    study = Study.open(path)
    refuse_join(path, study.given)
    task = story.task_of(study.given.settings)
    ground = Ground(task, study.given.settings)
    study.refuse_other_data(task.digest(ground.splits))
    return _worked_out(study, ground, None, partial(local_crew, workers=workers), audience)


def _worked_out(
    study: Study, ground: AnyGround, data: object, crew: Crew, audience: Audience
) -> dict[str, Any]:
    """Try what the plan says, finish the winner, and return the answer."""
    answer = study.answer
    if answer is not None:
        return answer
    audience.say(price_line(study.plan, ground))
    with crew(study.path), stoppable(study.path):
        with Board(study, audience) as board:
            train = work_with_optuna if study.given.trials else work
            train(study, _parts(ground, study.given.seed), board.watch, audience.say)
        return _ended(study, ground, data, audience)


def _parts(ground: AnyGround, seed: int) -> GroundOf:
    """Return what gives the data of a candidate, read once for all."""
    return lambda candidate: thinned(ground, candidate.share, seed)


def _ended(study: Study, ground: AnyGround, data: object, audience: Audience) -> dict[str, Any]:
    """Finish the winner and write the answer, or wait for the process that does."""
    while (answer := study.answer) is None:
        held = study.claim(ENDING)
        if held is None:
            time.sleep(_WAIT)
            continue
        with lease.kept(held):
            if study.answer is None:
                _finish(study, ground, data, audience)
    return answer


def _finish(study: Study, ground: AnyGround, data: object, audience: Audience) -> None:
    """Make a whole run of the winner, which alone sees the test split, and write the answer."""
    found = answer_of(study, ground)
    folder = study.trial_folder(found.winner)
    audience.say(f"the winner becomes a whole run: {folder}")
    scores = story.resume(folder, data, say=quiet, listen=audience.listen)
    answer = found.to_dict(folder, scores)
    if study.given.question == WINDOW:
        audience.say("measuring how far back the winner looks, and what windows cost")
        answer |= window_facts(study, ground, found.winner)
    study.end(answer, study_page(study, answer, found.winner))

"""Plans of questions: how many units, how long a window, and how much data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from longshort.errors import ConfigError, DataError, nearest
from longshort.registry import TASKS
from longshort.runs.abilities import Windowed
from longshort.runs.lookup import AnyTask
from longshort.runs.thinning import can_thin, thinned
from longshort.tuning.plan import RATE, Candidate, Plan, Rung
from longshort.tuning.space import dotted_keys, refuse_value
from longshort.tuning.worker import AnyGround

UNITS, WINDOW, DATA = "units", "window", "data"
QUESTIONS = {
    UNITS: "how many units are enough",
    WINDOW: "how long a context helps",
    DATA: "what more data would bring",
}
"""Questions by name, in words."""

SIZE = "model.hidden"
"""Setting that is the size of a network, for tasks that have it."""
_SIZES = (8, 16, 32, 64, 128, 256, 512)
_RATES = (1 / 3, 1.0, 3.0)
"""Learning rates of each size, as multiples of the usual one: the best one depends on the size."""
_WINDOWS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0)
_SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
_SEEDS = 3
_KEPT = 1 / 2
"""Share of the sizes that goes on: what starts slowly wins too often to keep a third of them."""
_AMOUNT = ("batch_size", "steps_per_epoch", "max_epochs", "patience")
_FEWEST = 10
"""Samples of the smallest part of the training split."""


@dataclass(frozen=True)
class Asked:
    """A question as it was asked.

    values: the ladder; empty for the usual one. seeds: of each candidate; None for the usual.
    chosen: settings that the user chose, by dotted key.
    """

    ground: AnyGround
    values: Sequence[float]
    seeds: int | None
    seed: int

    @property
    def chosen(self) -> set[str]:
        """Dotted keys of the settings that were given."""
        tables = self.ground.settings.items()
        return {f"{t}.{key}" for t, each in tables if isinstance(each, dict) for key in each}

    def plan(self, question: str, rungs: Sequence[Rung], candidates: Sequence[Candidate]) -> Plan:
        """Return the plan of these candidates."""
        numbered = (replace(each, number=number) for number, each in enumerate(candidates))
        content = self.ground.task.digest(self.ground.splits)
        settings = self.ground.settings
        return Plan(question, settings, content, self.seed, tuple(rungs), tuple(numbered))


def plan_question(question: str, asked: Asked) -> Plan:
    """Return the plan that answers a question.

    Raises `ConfigError` for a question that is unknown or that the task does not have, and
    `DataError` for one that the data cannot answer.
    """
    plans: dict[str, Callable[[Asked], Plan]] = {
        UNITS: _plan_units,
        WINDOW: _plan_window,
        DATA: _plan_data,
    }
    if question not in plans:
        raise ConfigError(f"--question: {question!r} is not known; {nearest(question, plans)}")
    return plans[question](asked)


def _plan_units(asked: Asked) -> Plan:
    """Plan sizes with three learning rates each, unless one was given."""
    task = asked.ground.task
    key = SIZE
    _refuse_without(UNITS, task, _has_size)
    sizes = _ladder(asked, _SIZES)
    for size in sizes:
        refuse_value(key, size, asked.ground.settings, task.Config)
    usual = asked.ground.prepared({key: sizes[0]}).config.train.learning_rate
    rates = [usual] if RATE in asked.chosen else [_rounded(usual * each) for each in _RATES]
    candidates = [
        Candidate(0, {key: size, RATE: rate}, float(size)) for size in sizes for rate in rates
    ]
    seeds = asked.seeds or _SEEDS
    rungs = (Rung(1 / 9, min(2, seeds)), Rung(1 / 3, seeds), Rung(1.0, seeds))
    return replace(asked.plan(UNITS, rungs, candidates), axis=key, keep=_KEPT)


def _plan_window(asked: Asked) -> Plan:
    """Plan windows around the usual one, each trained on as many target steps."""
    task = asked.ground.task
    _refuse_without(WINDOW, task, _has_window)
    assert isinstance(task, Windowed)
    key = task.window_key
    base = asked.ground.prepared({}).config
    usual = _value_of(base, key)
    levels = sorted({max(1, round(usual * each)) for each in _WINDOWS})
    levels = _ladder(asked, levels)
    shared = _same_training(base)
    candidates = [Candidate(0, {**shared, key: each}, float(each)) for each in levels]
    fitting = candidates if asked.values else _fitting(asked, candidates)
    if len(fitting) < 2:
        raise DataError(
            f"--question window: of windows of {', '.join(map(str, levels))} steps the data allow "
            f"{len(fitting)}, and two are needed to compare; give longer series, or shorter "
            "windows, such as --values 4,8"
        )
    seeds = asked.seeds or _SEEDS
    rungs = (Rung(1 / 3, seeds), Rung(1.0, seeds))
    return replace(asked.plan(WINDOW, rungs, fitting), axis=key)


def _plan_data(asked: Asked) -> Plan:
    """Plan parts of the training split, each trained for as many steps as the whole."""
    task = asked.ground.task
    _refuse_without(DATA, task, can_thin)
    shares = [float(each) for each in asked.values] or list(_SHARES)
    if len(shares) < 3 or not all(0 < each <= 1 for each in shares) or max(shares) < 1:
        raise ConfigError(
            "--values: at least three shares of the training split, the last one 1, are "
            f"expected, got {', '.join(f'{each:g}' for each in shares)}"
        )
    _refuse_few(asked, min(shares))
    base = asked.ground.prepared({}).config
    shared = _same_training(base)
    candidates = [
        Candidate(0, {**shared, **_as_long(base, share)}, share, share) for share in sorted(shares)
    ]
    _refuse_unfit(asked, candidates[0])
    seeds = asked.seeds or _SEEDS
    plan = asked.plan(DATA, (Rung(1.0, seeds),), candidates)
    return replace(plan, keep=1.0, is_scored=True)


def _same_training(base: Any) -> dict[str, Any]:
    """Return the decided settings of size and training that would else depend on the level."""
    tables = [SIZE] if SIZE in dotted_keys(type(base)) else []
    wanted = [*tables, *(f"train.{each}" for each in _AMOUNT)]
    found = {each: _value_of(base, each) for each in wanted}
    return {each: value for each, value in found.items() if value is not None}


def _as_long(base: Any, share: float) -> dict[str, Any]:
    """Return more epochs for a part, where an epoch is a pass over it."""
    train = base.train
    if train.steps_per_epoch is not None or train.max_epochs is None:
        return {}
    return {
        "train.max_epochs": round(train.max_epochs / share),
        "train.patience": round(train.patience / share),
    }


def _ladder(asked: Asked, usual: Sequence[int]) -> list[int]:
    """Return the ladder that was asked for, or the usual one."""
    found = sorted(dict.fromkeys(asked.values)) or list(usual)
    if len(found) < 2 or any(each < 1 or each != int(each) for each in found):
        raise ConfigError(
            "--values: at least two whole numbers from 1 on are expected, got "
            f"{', '.join(f'{each:g}' for each in found)}"
        )
    return [int(each) for each in found]


def _fitting(asked: Asked, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates up to the largest one for which the data are long enough."""
    for number in reversed(range(len(candidates))):
        try:
            asked.ground.trial(candidates[number].changes)
        except (ConfigError, DataError):
            continue
        return list(candidates[: number + 1])
    return []


def _refuse_without(question: str, task: AnyTask, can: Callable[[type[AnyTask]], bool]) -> None:
    """Raise `ConfigError`, with the tasks that have the question, where this one has it not."""
    if not can(type(task)):
        others = [name for name in TASKS.own if can(TASKS.load(name))]
        raise ConfigError(
            f"--question {question}: the task {task.name!r} does not have it (tasks that do: "
            f"{', '.join(others)})"
        )


def _has_size(kind: type[AnyTask]) -> bool:
    return SIZE in dotted_keys(kind.Config)


def _has_window(kind: type[AnyTask]) -> bool:
    return hasattr(kind, "window_key")


def _refuse_few(asked: Asked, share: float) -> None:
    """Raise `DataError` where the smallest part of the training split has too few samples."""
    train = asked.ground.splits.train
    part = int(share * len(train))
    if part < _FEWEST:
        raise DataError(
            f"--question data: {train.name}: the smallest part, {share:g} of {len(train):,} "
            f"training samples, has {part}, and {_FEWEST} are needed; give "
            f"{round(_FEWEST / share):,} training samples or more, or larger shares, such as "
            "--values 0.5,0.75,1"
        )


def _refuse_unfit(asked: Asked, smallest: Candidate) -> None:
    """Raise `DataError` where nothing can be learned from the smallest part."""
    part = thinned(asked.ground, smallest.share, asked.seed)
    try:
        part.trial(smallest.changes)
    except (ConfigError, DataError) as error:
        raise DataError(
            f"--question data: {smallest.share:g} of the training split is too little: {error}; "
            "give more data, or larger shares, such as --values 0.5,0.75,1"
        ) from None


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")


def _value_of(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = getattr(config, part)
    return config

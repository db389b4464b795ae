"""Plans of studies: what is shared by free searches and questions, and free searches themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from longshort.config import assign, build_as
from longshort.errors import ConfigError
from longshort.runs.decisions import FILES
from longshort.runs.prepare import config_of
from longshort.tuning.plan import THIRDS, Candidate, Plan, Rung
from longshort.tuning.space import Choice, Space, draw, parse_space
from longshort.tuning.worker import AnyGround

SEARCH = "search"
"""Name of a free search among the questions."""


def shared_settings(task: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that trials share, checked, with whole paths, and those alone.

    What is left open stays open, since a task decides it. Trials use one thread unless another
    number is given, so that numbers do not depend on how many workers there are.
    """
    nested = deepcopy(dict(settings))
    if nested.get("train", {}).get("threads") is None:
        assign(nested, "train.threads", 1)
    config = config_of(task, nested)
    found = {"task": task.name, **_chosen(config)}
    for key in FILES.values():
        path = found.get("data", {}).get(key)
        if path is not None:
            found["data"][key] = str(Path(path).absolute())
    return found


def _chosen(section: BaseModel) -> dict[str, Any]:
    """Return the settings that were chosen, as a file has them; cleared ones are "none"."""
    found: dict[str, Any] = {}
    for name in sorted(section.model_fields_set):
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            found[name] = _chosen(value)
        else:
            plain = section.model_dump(mode="json", include={name})[name]
            found[name] = "none" if plain is None else plain
    return found


def plan_search(
    ground: AnyGround,
    search: Mapping[str, object],
    trials: int,
    seeds: int,
    seed: int,
    *,
    is_proposed: bool = False,
) -> Plan:
    """Return the plan of a free search: so many candidates, drawn from the seed.

    is_proposed: they are proposed while the study runs instead.

    Raises `ConfigError` for a space that is not allowed, or of which nothing can be drawn.
    """
    kind = ground.task.Config
    space = parse_space(search, ground.settings, kind)
    _refuse_choices(ground, space)
    if is_proposed:
        named = {key: v if isinstance(v, str) else list(_several(v)) for key, v in search.items()}
        return replace(_plan_of(ground, (), seeds, seed), trials=trials, search=named)
    drawn = [changes for changes in draw(space, trials, seed) if _is_allowed(ground, changes)]
    if not drawn:
        _refuse_all(ground, space, seed)
    candidates = tuple(Candidate(number, changes) for number, changes in enumerate(drawn))
    return _plan_of(ground, candidates, seeds, seed)


def _plan_of(ground: AnyGround, candidates: tuple[Candidate, ...], seeds: int, seed: int) -> Plan:
    rungs = tuple(Rung(share, seeds) for share in THIRDS)
    content = ground.task.digest(ground.splits)
    return Plan(SEARCH, ground.settings, content, seed, rungs, candidates)


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) else (value,)


def _refuse_choices(ground: AnyGround, space: Space) -> None:
    """Raise `ConfigError` for a named choice, such as a cell, of which no network can be built."""
    for key, dimension in space.items():
        named = isinstance(dimension, Choice) and any(isinstance(v, str) for v in dimension.values)
        for value in dimension.ends if named else ():
            try:
                ground.trial({key: value})
            except ConfigError as error:
                raise ConfigError(f"search: {key} = {value}: {error}") from None


def nested_of(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings with these changes."""
    found = deepcopy(dict(settings))
    for key, value in changes.items():
        assign(found, key, value)
    return found


def _is_allowed(ground: AnyGround, changes: Mapping[str, Any]) -> bool:
    try:
        build_as(ground.task.Config, nested_of(ground.settings, changes))
    except ConfigError:
        return False
    return True


def _refuse_all(ground: AnyGround, space: Space, seed: int) -> None:
    (first,) = draw(space, 1, seed)
    build_as(ground.task.Config, nested_of(ground.settings, first), "search")


def refuse_no_validation(ground: AnyGround) -> None:
    """Raise `ConfigError` where there is no validation split to choose by."""
    if not len(ground.splits.val):
        raise ConfigError(
            "tune: settings are chosen on the validation split, and there is none; give "
            "--set split.val=0.1, or a validation file"
        )

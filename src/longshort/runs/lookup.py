"""Finding a task by name, and checking that it fulfils the contract."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isabstract
from typing import Any

from pydantic import BaseModel

from longshort.errors import ConfigError
from longshort.registry import TASKS
from longshort.runs.task import Task

AnyTask = Task[Any, Any, Any, Any]
_NEEDED = ("name", "Config", "metrics", "words")


def tasks_with(ability: type) -> list[str]:
    """Return the names of this package's tasks that have an optional ability, a protocol."""
    return [name for name in TASKS.own if issubclass(TASKS.load(name), ability)]


def find_task(name: str) -> AnyTask:
    """Return the task of that name; a `ConfigError` says what is wrong with it."""
    kind = TASKS.load(name)
    owner = f"task: {name!r} ({kind.__module__}.{kind.__qualname__})"
    if not issubclass(kind, Task):
        raise ConfigError(f"{owner} is no longshort.runs.task.Task; derive it from that class")
    if isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise ConfigError(f"{owner} misses {missing}; define what the contract asks for")
    absent = [each for each in _NEEDED if not hasattr(kind, each)]
    if absent:
        raise ConfigError(f"{owner} misses {', '.join(absent)}; set what the contract asks for")
    if kind.name != name:
        raise ConfigError(f"{owner} calls itself {kind.name!r}; give both the same name")
    unexplained = next(_without_help(kind.Config), None)
    if unexplained is not None:
        raise ConfigError(
            f"{owner}: its setting {unexplained} has no help; give its field a description"
        )
    return kind()


def _without_help(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of settings without a description."""
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _without_help(inner, f"{prefix}{name}.")
        elif not field.description and name not in ("task", "format_version"):
            yield f"{prefix}{name}"

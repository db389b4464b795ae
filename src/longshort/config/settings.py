"""Checked settings from files, flags and dictionaries, and writing them back to a file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from longshort.config.section import FORMAT_VERSION
from longshort.config.training import BaseConfig
from longshort.errors import ConfigError, nearest
from longshort.registry import TASKS

Settings = Mapping[str, Any]

C = TypeVar("C", bound=BaseConfig)


def build(settings: Settings, owner: str = "settings") -> BaseConfig:
    """Check nested settings and return their task's config.

    Raises `ConfigError` naming key and remedy.
    """
    task = settings.get("task", TASKS.usual)
    known = TASKS.names()
    if not isinstance(task, str) or task not in known:
        raise ConfigError(f"{owner}: task: {task!r} is not known; {nearest(str(task), known)}")
    found: BaseConfig = build_as(TASKS.config(task), settings, owner)
    return found


def build_as(kind: type[C], settings: Settings, owner: str = "settings") -> C:
    """Check nested settings and return the config of this class; as `build` otherwise."""
    version = settings.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise ConfigError(
            f"{owner}: format_version is {version!r}, this longshort reads {FORMAT_VERSION}; "
            "use the longshort version that wrote it"
        )
    try:
        return kind.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(_explain(error, owner, kind)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a settings file; errors name the file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such settings file; `longshort init` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not a readable TOML file: {error}") from None


def to_toml(config: BaseConfig) -> str:
    """Write the settings as TOML; undecided settings are left out, cleared ones are 'none'."""
    plain = config.model_dump(mode="json")
    for name, table in plain.items():
        if isinstance(table, dict):
            fields = type(getattr(config, name)).model_fields
            plain[name] = {
                key: "none" if value is None else value
                for key, value in table.items()
                if value is not None or fields[key].default is not None
            }
    import tomli_w  # here, since a model that only predicts does not write settings

    return tomli_w.dumps(plain)


def read_back(config: BaseConfig) -> dict[str, Any]:
    """Return a config as nested tables, as a settings file has them."""
    return tomllib.loads(to_toml(config))


def assign(settings: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key like `model.hidden` in nested settings."""
    *parents, last = key.split(".")
    table = settings
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{key}: {parent!r} is a value, not a table of settings")
    table[last] = value


def parse_assignments(pairs: Iterable[str]) -> dict[str, object]:
    """Parse `key=value` flags; the value is TOML where it can be, else text."""
    found: dict[str, object] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {pair!r}: write key=value, for example model.hidden=128")
        found[key.strip()] = _parse_value(text.strip())
    return found


def _parse_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, owner: str, kind: type[BaseConfig]) -> str:
    lines = []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        key = ".".join(path)
        if problem["type"] == "extra_forbidden":
            allowed = _keys_at(kind, path[:-1])
            lines.append(f"{owner}: unknown key {key!r}; {nearest(path[-1], allowed)}")
        else:
            reason = problem["msg"].removeprefix("Value error, ")
            given = "" if problem["type"] == "value_error" else f", got {problem['input']!r}"
            lines.append(f"{owner}: {key}: {reason}{given}")
    return "\n".join(dict.fromkeys(lines))


def _keys_at(kind: type[BaseConfig], path: list[str]) -> list[str]:
    section: type[BaseModel] = kind
    for part in path:
        field = section.model_fields.get(part)
        inner = field.annotation if field else None
        candidates = [inner, *get_args(inner)]
        found = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not found:
            return []
        section = found[0]
    return list(section.model_fields)

"""Settings with a command-line flag of their own; all others are set by `--set key=value`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from longshort.errors import ConfigError


def flag(name: str) -> dict[str, Any]:
    """Return the `json_schema_extra` of a field that has a flag, such as "--horizon"."""
    return {"flag": name}


@dataclass(frozen=True)
class Flag:
    """A command-line flag and the setting that it sets.

    name: with dashes; key: dotted key of the setting. help, default: texts for `--help`. kind: type
    of the value (int, float, bool or str). is_numbers: the value is a list of numbers. choices:
    values that are allowed; empty where they are not a few words.
    """

    name: str
    key: str
    help: str
    kind: type
    default: str
    is_numbers: bool = False
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """Name of the flag's parameter in a command's function."""
        return self.name.lstrip("-").replace("-", "_") + "_"

    def value(self, given: Any) -> Any:
        """Return the value for the setting; a list of numbers is split at commas.

        Raises `ConfigError` for a list with anything but numbers.
        """
        if not self.is_numbers or given is None:
            return given
        try:
            return [float(part) for part in given.split(",") if part.strip()]
        except ValueError:
            raise ConfigError(
                f"{self.name}: numbers like 0.1,0.5,0.9 are expected, got {given!r}"
            ) from None


def flags_of(kind: type[BaseModel], prefix: str = "") -> Iterator[Flag]:
    """Yield the flags of a settings class, in the order of its fields."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from flags_of(inner, f"{prefix}{name}.")
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "flag" in extra:
            yield _flag(str(extra["flag"]), f"{prefix}{name}", field)


def _flag(name: str, key: str, field: FieldInfo) -> Flag:
    kind, is_numbers = _kind(field.annotation)
    default = _as_typed(field.default)
    text = field.description or ""
    choices = _choices(field.annotation)
    return Flag(name, key, as_help(text), kind, default, is_numbers, choices)


def as_help(text: str) -> str:
    """Return the description of a setting as a sentence for `--help`."""
    return text[:1].upper() + text[1:] + "."


def _choices(annotation: Any) -> tuple[str, ...]:
    """Return the values of a setting that is one of a few, or none; empty for others."""
    if get_origin(annotation) in (UnionType, Union):
        others = [each for each in get_args(annotation) if each is not NoneType]
        return _choices(others[0]) if len(others) == 1 else ()
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()


def _kind(annotation: Any) -> tuple[type, bool]:
    """Return the type of a flag's value, and whether it is a list of numbers."""
    if get_origin(annotation) in (UnionType, Union):
        (first, *others) = [each for each in get_args(annotation) if each is not NoneType]
        return (str, False) if others else _kind(first)
    if get_origin(annotation) is tuple:
        return str, get_args(annotation)[0] is float
    if get_origin(annotation) is Literal or annotation not in (int, float, bool):
        return str, False
    return annotation, False


def _as_typed(default: object) -> str:
    """Return a default as it would be given on the command line; empty where there is none."""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return "" if default is None or default is False else str(default)

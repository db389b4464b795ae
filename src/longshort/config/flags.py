"""Settings that have a command-line flag of their own; any other is `--set key=value`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from longshort.errors import ConfigError


def flag(name: str) -> dict[str, Any]:
    """What a field's `json_schema_extra` says for a flag such as "--horizon"."""
    return {"flag": name}


@dataclass(frozen=True)
class Flag:
    """A flag, the dotted key of its setting, and what the command line shows of it.

    kind: what the text is read as: int, float, bool or str.
    """

    name: str
    key: str
    help: str
    kind: type
    default: str
    is_numbers: bool = False

    @property
    def variable(self) -> str:
        """As a function's parameter."""
        return self.name.lstrip("-").replace("-", "_") + "_"

    def value(self, given: Any) -> Any:
        """What was given, as the setting takes it; a list of numbers is split at commas."""
        if not self.is_numbers or given is None:
            return given
        try:
            return [float(part) for part in given.split(",") if part.strip()]
        except ValueError:
            raise ConfigError(
                f"{self.name}: numbers like 0.1,0.5,0.9 are expected, got {given!r}"
            ) from None


def flags_of(kind: type[BaseModel], prefix: str = "") -> Iterator[Flag]:
    """In the order of the settings."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from flags_of(inner, f"{prefix}{name}.")
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "flag" in extra:
            yield _flag(str(extra["flag"]), f"{prefix}{name}", field)


def _flag(name: str, key: str, field: FieldInfo) -> Flag:
    kind, is_numbers = _kind(field.annotation)
    default = "" if field.default in (None, ()) else str(field.default)
    text = field.description or ""
    return Flag(name, key, text[:1].upper() + text[1:] + ".", kind, default, is_numbers)


def _kind(annotation: Any) -> tuple[type, bool]:
    """How a flag's text is read, and whether it is a list of numbers."""
    if get_origin(annotation) in (UnionType, Union):
        (first, *others) = [each for each in get_args(annotation) if each is not NoneType]
        return (str, False) if others else _kind(first)
    if get_origin(annotation) is tuple:
        return str, get_args(annotation)[0] is float
    if get_origin(annotation) is Literal or annotation not in (int, float, bool):
        return str, False
    return annotation, False

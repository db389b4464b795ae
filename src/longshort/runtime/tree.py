"""Nested values: which arrays they hold, and the structure around these.

A value is an array, None, a plain constant, a tuple, list, or dict of values, or a record: a
dataclass or named tuple. Records come back as `Record`, since a runtime lacks their classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from longshort.errors import ArgumentError

Structure = Any
"""A structure in plain values, for JSON: "*" stands for an array."""


class Record:
    """A value with named fields, which are read as attributes."""

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self._name = name
        self.__dict__.update(values)

    def __repr__(self) -> str:
        inner = ", ".join(f"{key}={value!r}" for key, value in fields_of(self))
        return f"{self._name}({inner})"


def flatten(value: Any, is_array: Callable[[Any], bool]) -> tuple[list[Any], Structure]:
    """Return the arrays in a nested value, and its structure."""
    found: list[Any] = []
    return found, _structure(value, is_array, found)


def _structure(value: Any, is_array: Callable[[Any], bool], found: list[Any]) -> Structure:
    if is_array(value):
        found.append(value)
        return "*"
    if value is None:
        return None
    if isinstance(value, bool | int | float | str):
        return {"constant": value}
    if is_record(value):
        inner = {key: _structure(each, is_array, found) for key, each in fields_of(value)}
        return {"record": record_name(value), "fields": inner}
    if isinstance(value, tuple | list):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_structure(each, is_array, found) for each in value]}
    if isinstance(value, Mapping):
        return {"dict": {key: _structure(each, is_array, found) for key, each in value.items()}}
    raise ArgumentError(
        f"a network's function takes and returns arrays, constants, and tuples, lists, dicts and "
        f"dataclasses of them; got a {type(value).__name__}"
    )


def unflatten(structure: Structure, arrays: Iterator[Any]) -> Any:
    """Return the nested value with these arrays in the order of `flatten`."""
    if structure == "*":
        return next(arrays)
    if structure is None:
        return None
    (kind, inner), *more = structure.items()
    match kind:
        case "constant":
            return inner
        case "tuple":
            return tuple([unflatten(each, arrays) for each in inner])
        case "list":
            return [unflatten(each, arrays) for each in inner]
        case "dict":
            return {key: unflatten(each, arrays) for key, each in inner.items()}
    values = {key: unflatten(each, arrays) for key, each in dict(more)["fields"].items()}
    return Record(inner, values)


def refill(example: Any, is_array: Callable[[Any], bool], arrays: Iterator[Any]) -> Any:
    """Return a value like the example, of the same classes, with other arrays in its places."""
    return mapped(lambda _, each: next(arrays) if is_array(each) else each, example)


def mapped(function: Callable[[str, Any], Any], value: Any, name: str = "") -> Any:
    """Return a nested value with each leaf replaced by `function(name, leaf)`.

    name: that of the field that a leaf is in, or is below of; at first that of the value.
    """
    if is_record(value):
        inner = {key: mapped(function, each, key) for key, each in fields_of(value)}
        is_unknown = isinstance(value, Record)
        return Record(record_name(value), inner) if is_unknown else type(value)(**inner)
    if isinstance(value, tuple | list):
        return type(value)([mapped(function, each, name) for each in value])
    if isinstance(value, Mapping):
        return {key: mapped(function, each, key) for key, each in value.items()}
    return function(name, value)


def is_record(value: Any) -> bool:
    """Whether a value is a dataclass, a named tuple or a `Record`."""
    named = isinstance(value, tuple) and hasattr(value, "_fields")
    is_data = is_dataclass(value) and not isinstance(value, type)
    return named or isinstance(value, Record) or is_data


def fields_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a record."""
    if isinstance(value, Record):
        yield from ((key, each) for key, each in vars(value).items() if key != "_name")
    elif is_dataclass(value):
        yield from ((each.name, getattr(value, each.name)) for each in fields(value))
    else:
        yield from zip(value._fields, value, strict=True)


def record_name(value: Any) -> str:
    """Return the name of a record's class."""
    return str(value._name) if isinstance(value, Record) else type(value).__name__

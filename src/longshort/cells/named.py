"""Cells by name, with options as text or as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from longshort import cells
from longshort.cells.contract import Cell
from longshort.errors import ConfigError, nearest
from longshort.registry import CELLS


@dataclass(frozen=True)
class CellEntry:
    """An entry in the list of all cells."""

    name: str
    description: str
    source: str


def list_cells() -> list[CellEntry]:
    """Return all cells, with a line about each."""
    return [
        CellEntry(name, kind().description(), kind.source) for name, kind in known_cells().items()
    ]


def known_cells() -> dict[str, type[Cell]]:
    """Return all cells of longshort by name, in alphabetical order."""
    found = {name: getattr(cells, name) for name in sorted(cells.__all__, key=str.casefold)}
    return {
        name: kind
        for name, kind in found.items()
        if isinstance(kind, type) and issubclass(kind, Cell) and kind is not Cell
    }


def find_cell(name: str) -> type[Cell]:
    """Return the cell of that name, in upper or lower case.

    A cell of another package is named by "module:Class", or as the package registers it (entry
    points `longshort.cells`). Raises `ConfigError` for an unknown name, or a class that is not a
    cell.
    """
    if ":" in name or name in CELLS.names():
        found = CELLS.load(name)
        if not issubclass(found, Cell):
            raise ConfigError(
                f"cell {name!r} is no longshort.cells.Cell; derive it from that class"
            )
        return found
    known = known_cells()
    folded = {one.casefold(): kind for one, kind in known.items()}
    if name.casefold() not in folded:
        close = nearest(name.casefold(), folded)
        for one in known:
            close = close.replace(repr(one.casefold()), repr(one))
        raise ConfigError(f"cell {name!r} is not known; {close}")
    return folded[name.casefold()]


def option_names(cell: Cell | type[Cell]) -> list[str]:
    """Return the names of a cell's options."""
    return [f.name for f in fields(cell)] if is_dataclass(cell) else []


def build_cell(name: str, options: Mapping[str, Any]) -> Cell:
    """Return the cell of that name, with options as values or as text."""
    kind = find_cell(name)
    declared = option_names(kind)
    types = get_type_hints(kind)
    values = {}
    for option, value in options.items():
        if option not in declared:
            hint = nearest(option, declared) if declared else "it has no options"
            raise ConfigError(f"{kind.__name__} has no option {option!r}; {hint}")
        if isinstance(value, str):
            value = _parse(f"{kind.__name__}: {option}", value, types[option])
        values[option] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _parse(owner: str, text: str, wanted: Any) -> Any:
    """Parse text as a value of an option's type."""
    if get_origin(wanted) in (UnionType, Union):
        return _parse_either(owner, text, get_args(wanted))
    if get_origin(wanted) is tuple:
        (first, *_) = get_args(wanted)
        parts = [part.strip() for part in text.strip("()[]").split(",")]
        return tuple(_parse(owner, part, first) for part in parts if part)
    if wanted is bool:
        if text.casefold() not in _WORDS:
            raise ConfigError(f"{owner} must be true or false, got {text!r}")
        return _WORDS[text.casefold()]
    try:
        return wanted(text)
    except ValueError:
        kind = {int: "a whole number", float: "a number"}[wanted]
        raise ConfigError(f"{owner} must be {kind}, got {text!r}") from None


def _parse_either(owner: str, text: str, allowed: tuple[Any, ...]) -> Any:
    if NoneType in allowed and text.casefold() in ("none", ""):
        return None
    (wanted,) = (one for one in allowed if one is not NoneType)
    return _parse(owner, text, wanted)

"""Checks of cells' options; errors name the cell, the option, allowed values, and the value.

All of them raise `ArgumentError`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from longshort.cells.contract import Cell, Sizes
from longshort.engine.ops import ACTIVATIONS
from longshort.errors import ArgumentError, nearest


def one_of(cell: Cell, option: str, allowed: Iterable[str | None]) -> None:
    """Check that the option is one of a few names."""
    _known(cell, option, getattr(cell, option), allowed)


def some_of(cell: Cell, option: str, allowed: Iterable[str]) -> None:
    """Check that the option is a tuple of distinct allowed names; a list becomes a tuple."""
    value = getattr(cell, option)
    if not isinstance(value, (tuple, list)) or len(set(map(str, value))) < len(value):
        wrong(cell, option, "a tuple of different names", value)
    object.__setattr__(cell, option, tuple(value))
    for name in value:
        _known(cell, option, name, allowed)


def activation(cell: Cell, option: str) -> None:
    """Check that the option names an activation."""
    one_of(cell, option, ACTIVATIONS)


def activations(cell: Cell, option: str, count: int) -> None:
    """Check that the option is a tuple of `count` activations; a list becomes a tuple."""
    value = getattr(cell, option)
    if not isinstance(value, (tuple, list)) or len(value) != count:
        wrong(cell, option, f"a tuple of {count} names", value)
    object.__setattr__(cell, option, tuple(value))
    for name in value:
        _known(cell, option, name, ACTIVATIONS)


def flag(cell: Cell, option: str) -> None:
    """Check that the option is True or False."""
    value = getattr(cell, option)
    if not isinstance(value, bool):
        wrong(cell, option, "True or False", value)


def whole(cell: Cell, option: str, least: int) -> None:
    """Check that the option is a whole number of at least `least`."""
    value = getattr(cell, option)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        wrong(cell, option, f"a whole number from {least} up", value)


MOST = 100
"""Largest number of repeated blocks in a step, whose equations grow with each."""


def count(cell: Cell, option: str, least: int) -> None:
    """Check that the option is a whole number from `least` to MOST, the most blocks of a step."""
    whole(cell, option, least)
    value = getattr(cell, option)
    if value > MOST:
        wrong(cell, option, f"a whole number from {least} to {MOST}", value)


def number(cell: Cell, option: str, bounds: str, within: Callable[[float], bool]) -> None:
    """Check that the option is a finite number within bounds."""
    value = getattr(cell, option)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not within(value):
        wrong(cell, option, f"a number {bounds}", value)
    if not abs(value) <= sys.float_info.max:
        wrong(cell, option, "finite", value)


def positive(cell: Cell, option: str) -> None:
    """Check that the option is a number above 0."""
    number(cell, option, "above 0", lambda value: value > 0)


def bound(cell: Cell, option: str) -> None:
    """Check that the option is a number above 0, or None for no bound."""
    if getattr(cell, option) is not None:
        positive(cell, option)


def divides(cell: Cell, what: str, count: int, n: Sizes) -> int:
    """Return the size of each of `count` equal blocks of the hidden units."""
    if n.hidden % count:
        raise ArgumentError(
            f"{cell.name}: hidden_size must be a multiple of {what}={count}, got {n.hidden}"
        )
    return n.hidden // count


def wrong(cell: Cell, option: str, allowed: str, value: Any) -> None:
    """Raise the error for an option's value."""
    raise ArgumentError(f"{cell.name}: {option} must be {allowed}, got {value!r}")


def _known(cell: Cell, option: str, value: Any, allowed: Iterable[str | None]) -> None:
    if value not in (names := list(allowed)):
        hint = nearest(str(value), [name for name in names if name is not None])
        raise ArgumentError(f"{cell.name}: {option} does not know {value!r}; {hint}")

"""Rows that are given one by one, checked by their columns' names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from longshort.errors import DataError, nearest


def refuse_other_columns(x: Mapping[Any, Any], names: Sequence[str], free: Sequence[str]) -> None:
    """Raise `DataError` if a row lacks one of `names`, or has a column that is in neither list."""
    for name in names:
        if name not in x:
            raise DataError(f"column {name!r} is missing; a step has {_listed([*names, *free])}")
    for name in x:
        if name not in names and name not in free:
            raise DataError(f"column {name!r} is not known; {nearest(name, [*names, *free])}")


def values_of_row(x: Any, names: Sequence[str]) -> list[float]:
    """Return the numbers of a row: a mapping by column, or a list in the columns' order."""
    if isinstance(x, Mapping):
        refuse_other_columns(x, names, ())
        return [number_in(x, name) for name in names]
    if isinstance(x, np.ndarray):
        x = x.tolist()
    if not isinstance(x, list | tuple):
        raise DataError(
            f"a step: a row by column ({_listed(names)}), or a list of as many numbers, is "
            f"expected; got {type(x).__name__}"
        )
    if len(x) != len(names):
        raise DataError(
            f"a step: {len(names)} numbers are expected ({_listed(names)}), got {len(x)}"
        )
    return [number_in({name: value}, name) for name, value in zip(names, x, strict=True)]


def number_in(x: Mapping[str, Any], name: str, *, or_missing: bool = False) -> float:
    """Return the number in a column; NaN for None where a value may be missing."""
    value = x[name]
    if value is None and or_missing:
        return math.nan
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _refused(name, value, or_missing) from None
    if isinstance(value, str | bytes) or not math.isfinite(found):
        raise _refused(name, value, or_missing)
    return found


def text_of(x: Any) -> str:
    """Return the text of a step: a text, or a mapping with a text in the column "text"."""
    if isinstance(x, Mapping):
        refuse_other_columns(x, ("text",), ())
        x = x["text"]
    if not isinstance(x, str):
        raise DataError(f"column 'text': a text is expected, got {type(x).__name__}")
    try:
        x.encode()
    except UnicodeEncodeError:
        raise DataError("column 'text': holds half of a surrogate pair, which is no text") from None
    return x


def _refused(name: str, value: object, or_missing: bool) -> DataError:
    shown = str(value) if isinstance(value, float) else repr(value)[:40]
    instead = "; give null where it is missing" if or_missing else ""
    return DataError(f"column {name!r}: a finite number is expected, got {shown}{instead}")


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = ", …" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more

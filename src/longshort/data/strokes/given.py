"""Pen strokes that are given in Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from longshort.data.strokes.ink import Ink, Inks, ink_of_offsets, ink_of_strokes
from longshort.errors import DataError


def inks_of(items: Iterable[Any], labels: Iterable[object] | None = None) -> Inks:
    """Make samples of drawings, each an `Ink`, a list of strokes [n, 2], or rows (dx, dy, pen).

    labels: one for each. Raises `DataError` for other items, and if the numbers differ.
    """
    if isinstance(items, Inks):
        return items
    try:
        listed = list(items)
    except TypeError:
        raise DataError(
            f"data: a list of drawings is expected, got {type(items).__name__}"
        ) from None
    places = [f"item {i}" for i in range(len(listed))]
    names = None if labels is None else [str(label) for label in labels]
    if names is not None and len(names) != len(listed):
        raise DataError(f"data: {len(listed):,} drawings and {len(names):,} labels are not as many")
    found = [_ink(item, place) for item, place in zip(listed, places, strict=True)]
    if not found:
        raise DataError("data: holds no drawing")
    return Inks("data", found, names, places)


def _ink(item: Any, place: str) -> Ink:
    if isinstance(item, Ink):
        return item
    if isinstance(item, np.ndarray) and item.dtype != object:
        return ink_of_offsets(item, place)
    if isinstance(item, list | tuple | np.ndarray):
        return ink_of_strokes(list(item), place)
    raise DataError(
        f"{place}: an Ink, a list of strokes [n, 2], or an array of rows (dx, dy, pen) is "
        f"expected, got {type(item).__name__}"
    )

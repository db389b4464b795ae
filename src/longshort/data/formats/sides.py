"""Detection of the label's side on a line: labels are few, short and repeated, texts are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Side = Literal["first", "last"]

_SHORT, _WORDS = 60, 4
"""Largest number of characters and of words in a label."""
_SHARE = 3
"""Least mean number of lines per label, and least ratio of distinct texts to distinct labels."""


def side_of(first: Sequence[str], last: Sequence[str]) -> Side | None:
    """Return the side whose cells are labels; None if neither or both may be."""
    counts: dict[Side, int] = {}
    for side, cells in (("first", first), ("last", last)):
        if are_labels(cells):
            counts["first" if side == "first" else "last"] = len(set(cells))
    if len(counts) < 2:
        return next(iter(counts), None)
    if counts["first"] * _SHARE <= counts["last"]:
        return "first"
    return "last" if counts["last"] * _SHARE <= counts["first"] else None


def are_labels(cells: Sequence[str]) -> bool:
    """Whether these cells, one per line, may be labels."""
    kinds = set(cells)
    if not 2 <= len(kinds) <= max(2, len(cells) // _SHARE) or len(kinds) == len(cells):
        return False
    return all(
        len(kind) <= _SHORT and len(kind.split()) <= _WORDS and any(map(str.isalnum, kind))
        for kind in kinds
    )

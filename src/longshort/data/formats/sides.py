"""On which side of a line its label stands: few, short, and repeated are labels, texts are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Side = Literal["first", "last"]

_SHORT, _WORDS = 60, 4
"""Letters and words of a label at most."""
_SHARE = 3
"""Every label stands in so many lines on average, and a side with so many times fewer is it."""


def side_of(first: Sequence[str], last: Sequence[str]) -> Side | None:
    """The side whose cells are labels; None where neither or both may be."""
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
    """Whether these cells, one a line, may be labels."""
    kinds = set(cells)
    if not 2 <= len(kinds) <= max(2, len(cells) // _SHARE) or len(kinds) == len(cells):
        return False
    return all(
        len(kind) <= _SHORT and len(kind.split()) <= _WORDS and any(map(str.isalnum, kind))
        for kind in kinds
    )

"""Names of series that differ only in spelling: '1' and '001', 'Berlin ' and 'berlin'."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHOWN = 5


def resembling(new: Iterable[tuple[str, ...]], known: Iterable[tuple[str, ...]]) -> str:
    """Return which new names resemble known ones, as the end of a sentence; empty if none does."""
    names = set(known)
    places = {_plain(key): key for key in sorted(names)}
    others = [key for key in new if key not in names]  # a known one may be new to the model
    pairs = [(key, places[_plain(key)]) for key in others if _plain(key) in places]
    if not pairs:
        return ""
    shown = ", ".join(
        f"{'/'.join(mine)!r} looks like {'/'.join(theirs)!r}" for mine, theirs in pairs[:_SHOWN]
    )
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    return f"; but {shown}{more} of the training data: write names as they stand there"


def _plain(key: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name without case, blanks, and leading zeros of numbers."""
    plain = [re.sub(r"\s+", " ", part).strip().casefold() for part in key]
    return tuple(re.sub(r"^0+(?=\d)|\.0+$", "", part) for part in plain)

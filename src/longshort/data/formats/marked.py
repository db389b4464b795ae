"""fastText's lines: any number of `__label__NAME`, and a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from longshort.config.sequences import SequenceData
from longshort.data.formats.sides import Side
from longshort.errors import DataError

MARK = "__label__"
"""What fastText writes before a label."""
_BEFORE = re.compile(rf"(?:{MARK}\S+(?:\s+|$))*")
_BEHIND = re.compile(rf"(?:(?:^|\s+){MARK}\S+)*$")


def has_several(lines: Iterable[str]) -> bool:
    """Whether a line begins or ends with two labels."""
    return any(
        len(words) > 1 and all(word.startswith(MARK) for word in words)
        for line in lines
        for words in (line.split(None, 2)[:2], line.rsplit(None, 2)[-2:])
    )


def side_of_marks(lines: Sequence[str], config: SequenceData) -> Side | None:
    """Where the labels stand, as the settings say or most marked lines have it; None without any.

    Labels that are divided by anything else but white space are none of fastText's.
    """
    if config.delimiter not in (None, " ") or config.label_separator not in (None, " "):
        return None
    begins = sum(line.startswith(MARK) for line in lines)
    ends = sum(line.rsplit(None, 1)[-1].startswith(MARK) for line in lines if line.strip())
    if not begins and not ends:
        return None
    return config.label_side or ("first" if begins >= ends else "last")


def parted(line: str, side: Side) -> tuple[str, str]:
    """The labels of a line, apart by spaces, and its text; either may be empty."""
    found = _BEFORE.match(line) if side == "first" else _BEHIND.search(line)
    assert found is not None  # both patterns match nothing, too
    labels, text = found[0], line[found.end() :] if side == "first" else line[: found.start()]
    return " ".join(labels.split()), text.strip()


def divided(path: Path, number: int, line: str, side: Side) -> tuple[str, str]:
    """Labels and text of a line; raises `DataError` for one without a text or with strewn labels.

    number: of the line, from 1.
    """
    labels, text = parted(line, side)
    if not text:
        raise DataError(
            f"{path}: line {number}: a text is expected beside the labels, got {line[:40]!r}; "
            "remove the line, or add the text"
        )
    strewn = next((word for word in text.split() if word.startswith(MARK)), None)
    if strewn is not None:
        where = "in front of" if side == "first" else "behind"
        raise DataError(
            f"{path}: line {number}: the label {strewn} stands within the text; put all labels "
            f"{where} it"
        )
    return labels, text

"""Pen strokes in UNIPEN files, as those of the pen-based digits of the UCI repository.

Of the format (Guyon et al., 1994) only what lies between `.SEGMENT` lines is read: each segment is
a sample, its last quoted word the label. `.PEN_DOWN` and `.PEN_UP` surround a stroke, whose lines
begin with x and y. y grows upwards there, and is turned downwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from longshort.data.strokes.ink import Ink, Inks, ink_of_strokes
from longshort.data.textfiles import read_text
from longshort.errors import DataError

Point = tuple[float, float]


@dataclass
class _Segment:
    """A segment as its lines are read."""

    line: int
    label: str | None
    strokes: list[list[Point]] = field(default_factory=list)
    is_down: bool = False


def is_unipen(head: bytes) -> bool:
    """Whether the first bytes of a file are UNIPEN."""
    keywords = (rb"^\.SEGMENT\b", rb"^\.PEN_DOWN\b")
    return all(re.search(keyword, head, re.M) is not None for keyword in keywords)


def read(path: Path) -> Inks:
    """Read the segments of a UNIPEN file; raises `DataError` with file and line."""
    file = read_text(path)
    segments: list[_Segment] = []
    for number, line in enumerate(file.lines, 1):
        text = line.strip()
        if text.startswith(".SEGMENT"):
            segments.append(_Segment(number, _label(text)))
        elif text and segments:
            _take(segments[-1], text, f"{path}: line {number}")
        elif text.startswith(".PEN_DOWN"):
            raise DataError(f"{path}: line {number}: a .SEGMENT line is expected before strokes")
    items = [_ink(path, each) for each in segments]
    labels = [each.label for each in segments if each.label is not None]
    if labels and len(labels) < len(segments):
        bare = next(each for each in segments if each.label is None)
        raise DataError(f"{path}: line {bare.line}: has no label in quotes, and others have one")
    places = [f"line {each.line}" for each in segments]
    return Inks(path.name, items, labels or None, places, str(path), file.sha256)


def _label(line: str) -> str | None:
    quoted = re.findall(r'"([^"]*)"', line)
    return quoted[-1] if quoted else None


def _take(segment: _Segment, text: str, place: str) -> None:
    """Take a line of a segment."""
    if text.startswith(".PEN_DOWN"):
        segment.is_down = True
        segment.strokes.append([])
    elif text.startswith(".PEN_UP"):
        segment.is_down = False
    elif not text.startswith(".") and segment.is_down:
        segment.strokes[-1].append(_point(text, place))


def _point(text: str, place: str) -> Point:
    parts = text.split()
    try:
        return float(parts[0]), -float(parts[1])
    except (ValueError, IndexError):
        raise DataError(f"{place}: a point 'x y' is expected, got {text[:40]!r}") from None


def _ink(path: Path, segment: _Segment) -> Ink:
    return ink_of_strokes(segment.strokes, f"{path}: line {segment.line}")

"""Pen strokes as JSON: an object a line, a list of objects, or one object.

An object has its strokes under one of these keys:

- `strokes`: a list of strokes, each a list of points [x, y];
- `drawing`: a list of strokes, each [list of x, list of y], as in Quick, Draw!;
- `offsets`: a list of points [dx, dy, pen], pen 1 where a stroke ends.

y grows downwards. `label`, `text` or `word` is what was written; `writer` who wrote it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.strokes.ink import Ink, Inks, ink_of_offsets, ink_of_strokes
from longshort.data.textfiles import json_fault, read_text
from longshort.errors import DataError

KEYS = ("strokes", "drawing", "offsets")
LABELS = ("label", "text", "word")


def read(path: Path) -> Inks:
    """Read objects with strokes; raises `DataError` with file and line."""
    file = read_text(path)
    items, labels, writers, places = [], [], [], []
    for place, each in _objects(path, file.lines):
        items.append(_ink(each, f"{path}: {place}"))
        labels.append(_text(each, LABELS, f"{path}: {place}"))
        writers.append(_text(each, ("writer",), f"{path}: {place}"))
        places.append(place)
    return Inks(
        path.name,
        items,
        _all_or_none(labels, places, f"{path}", "label"),
        places,
        str(path),
        file.sha256,
        _all_or_none(writers, places, f"{path}", "writer"),
    )


def written(ink: Ink, label: str | None = None) -> dict[str, Any]:
    """Return ink as an object that `read` reads, with coordinates to a thousandth of its size."""
    digits = max(0, 3 - math.floor(math.log10(max(*ink.size, 1e-9))))
    strokes = [np.round(stroke, digits).tolist() for stroke in ink.strokes]
    return {"strokes": strokes} if label is None else {"label": label, "strokes": strokes}


def begins_so(head: bytes) -> bool:
    """Whether the first bytes of a file are those of objects with strokes."""
    keys = "|".join(KEYS)
    start = head.lstrip()[:1]
    return start in (b"{", b"[") and re.search(rf'"({keys})"\s*:\s*\['.encode(), head) is not None


def _objects(path: Path, lines: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object with its place."""
    first = next((line.lstrip() for line in lines if line.strip()), "")
    is_whole = first.startswith("[") or (first.startswith("{") and not _is_json(first))
    if is_whole:
        try:
            whole = json.loads("\n".join(lines))
        except (ValueError, RecursionError) as error:
            line = f"line {error.lineno}: " if isinstance(error, json.JSONDecodeError) else ""
            raise DataError(f"{path}: {line}is not JSON: {json_fault(error)}") from None
        listed = whole if isinstance(whole, list) else [whole]
        rows = [(f"object {i}", each) for i, each in enumerate(listed)]
    else:
        rows = [(f"line {i}", _parsed(path, i, s)) for i, s in enumerate(lines, 1) if s.strip()]
    for place, each in rows:
        if not isinstance(each, dict):
            raise DataError(
                f"{path}: {place}: an object with {KEYS[0]!r} is expected, got a "
                f"{type(each).__name__}"
            )
        yield place, each


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: line {number}: is not JSON: {json_fault(error)}") from None


def _ink(each: dict[str, Any], place: str) -> Ink:
    keys = [key for key in KEYS if key in each]
    if len(keys) != 1:
        there = ", ".join(map(repr, each)) or "none"
        raise DataError(
            f"{place}: one of the keys {', '.join(map(repr, KEYS))} is expected, there are {there}"
        )
    value = each[keys[0]]
    if not isinstance(value, list):
        raise DataError(f"{place}: {keys[0]!r} is a {type(value).__name__}, and a list is expected")
    if keys[0] == "offsets":
        return ink_of_offsets(value or np.empty((0, 3)), place)
    if keys[0] == "drawing":
        value = [_turned(stroke, f"{place}, stroke {i}") for i, stroke in enumerate(value)]
    return ink_of_strokes(value, place)


def _turned(stroke: Any, place: str) -> list[tuple[Any, Any]]:
    """Return points (x, y) of a stroke [list of x, list of y, further lists]."""
    if not isinstance(stroke, list) or len(stroke) < 2:
        raise DataError(f"{place}: [list of x, list of y] is expected")
    xs, ys = stroke[:2]
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise DataError(f"{place}: as many numbers x as y are expected")
    return list(zip(xs, ys, strict=True))


def _text(each: dict[str, Any], keys: tuple[str, ...], place: str) -> str | None:
    key = next((key for key in keys if each.get(key) is not None), None)
    if key is None:
        return None
    if isinstance(each[key], (str, int)) and not isinstance(each[key], bool):
        return str(each[key])
    raise DataError(f"{place}: {key!r} is a {type(each[key]).__name__}, and a text is expected")


def _all_or_none(
    values: list[str | None], places: list[str], path: str, what: str
) -> list[str] | None:
    if all(value is None for value in values):
        return None
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        raise DataError(f"{path}: {places[values.index(None)]}: has no {what}, and others have one")
    return found

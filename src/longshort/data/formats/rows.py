"""Sequences of one value a step, one sequence and label per line, as in the UCR archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.config.sequences import SequenceData
from longshort.data.findings import Finding
from longshort.data.formats.sides import Side, side_of
from longshort.data.labelled import Examples, Item
from longshort.data.labels import label_names
from longshort.data.numbers import is_missing, with_gaps
from longshort.data.textfiles import raw_lines, read_text
from longshort.errors import DataError

_FEWEST = 4
"""A line of numbers is taken for a sequence if it has at least so many cells."""
_DELIMITERS = ("\t", ",", ";")
_UNKNOWN = "?"
"""Label of a sequence that is to be predicted."""


def begins_so(path: Path) -> bool:
    """Whether the first line has only numbers, and too many for a text or a header."""
    first = next(raw_lines(path), b"").decode("utf-8-sig", "replace")
    cells = _cells(first.strip(), _delimiter(first))
    if len(cells) < _FEWEST:
        return False
    values, bad = with_gaps(cells)
    counts = np.arange(len(cells)) + values[0]
    return bool(
        bad is None and np.isfinite(values[:2]).all() and not np.array_equal(values, counts)
    )


def read(path: Path, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """Read a label and a sequence from every line, divided by tabs, commas or white space.

    The label is the first cell, or the last where only that one can be a label. Missing values at
    the end are padding and removed; others are NaN. Without `with_labels` labels may be `?`. Raises
    `DataError` with line and value.
    """
    file = read_text(path, config.encoding)
    numbered = [(n, line.strip("\r\n ")) for n, line in enumerate(file.lines, 1) if line.strip()]
    delimiter = config.delimiter or _delimiter(numbered[0][1] if numbered else "")
    rows = [_cells(line, delimiter) for _, line in numbered]
    places = [f"line {number}" for number, _ in numbered]
    for place, cells in zip(places, rows, strict=True):
        if len(cells) < 2:
            raise DataError(
                f"{path}: {place}: a label and values are expected, got {' '.join(cells)[:40]!r}"
            )
    side = config.label_side or _side(path, rows)
    at = 0 if side == "first" else -1
    labels = _whole([cells[at].strip() for cells in rows])
    items: list[Item] = [
        _values(path, place, cells[1:] if side == "first" else cells[:-1])
        for place, cells in zip(places, rows, strict=True)
    ]
    names = label_names(labels, places, str(path)) if with_labels else labels
    note = Finding(
        "rows",
        "note",
        f"{path.name}: every line is a sequence, and its {side} cell the label",
        tuple(sorted(set(labels))[:5]),
        "if that is wrong, say data.label_side=first or last, or data.format",
    )
    return Examples(
        path.name,
        items,
        names,
        places,
        str(path),
        file.sha256,
        read_as={"format": "rows", "label_side": side},
        findings=(*file.encoding.findings(), note),
    )


def refuse_other_labels(examples: Examples, known: Sequence[str]) -> None:
    """Raise `DataError` for the first label that is neither known nor `?`; it may be a value."""
    for place, label in zip(examples.places, examples.labels or [], strict=False):
        if label not in known and label != _UNKNOWN:
            raise DataError(
                f"{examples.name}: {place}: its {examples.read_as['label_side']} cell is "
                f"{label[:40]!r}, which is no label of the run; write its label there, or "
                f"{_UNKNOWN} where it is not known"
            )


def _delimiter(line: str) -> str | None:
    """Return the delimiter of a line; None for white space."""
    return next((mark for mark in _DELIMITERS if mark in line), None)


def _cells(line: str, delimiter: str | None) -> list[str]:
    return line.split(delimiter if delimiter != " " else None)


def _side(path: Path, rows: Sequence[Sequence[str]]) -> Side:
    """Return the side of the label: first, unless only the last cells can be labels."""
    first, last = _whole([cells[0] for cells in rows]), _whole([cells[-1] for cells in rows])
    may = [_may_be_labels(cells) for cells in (first, last)]
    if all(may):
        return side_of(first, last) or "first"
    if not any(may):
        raise DataError(
            f"{path}: neither the first nor the last cells of its lines are labels (whole numbers "
            "or names); write the label in front of the values, or say --set data.format=NAME"
        )
    return "first" if may[0] else "last"


def _may_be_labels(cells: Sequence[str]) -> bool:
    """Whether cells may be labels: whole numbers, or names."""
    values, _ = with_gaps(cells)
    names = [is_missing(cell) or np.isnan(v) for cell, v in zip(cells, values, strict=True)]
    if any(names):
        return all(names) and not any(is_missing(cell) for cell in cells)
    return bool((values == np.round(values)).all())


def _whole(labels: Sequence[str]) -> list[str]:
    """Write labels without a fraction where all are whole numbers: 1.0000e+00 becomes 1."""
    cells = [label.strip() for label in labels]
    values, bad = with_gaps(cells)
    if bad is not None or not (np.isfinite(values) & (values == np.round(values))).all():
        return cells
    return [str(int(value)) for value in values]


def _values(path: Path, place: str, cells: Sequence[str]) -> NDArray[np.float64]:
    """Return values [T, 1] without padding at the end."""
    values, bad = with_gaps(cells)
    if bad is not None:
        raise DataError(
            f"{path}: {place}: value {bad + 1} {cells[bad].strip()[:40]!r} is no number; correct "
            "it, write ? if it is not known, or remove the line"
        )
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        raise DataError(f"{path}: {place}: has no value; remove the line")
    return values[: known[-1] + 1, None]

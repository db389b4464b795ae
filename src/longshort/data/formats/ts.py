"""`.ts` files of sktime and the UEA archive: tags, then one case per line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples, Item
from longshort.data.labels import label_names
from longshort.data.numbers import with_gaps
from longshort.data.textfiles import read_text
from longshort.errors import DataError


@dataclass
class _Header:
    """Values of the tags; None where a tag is absent."""

    dimensions: int | None = None
    length: int | None = None
    has_labels: bool = False
    labels: tuple[str, ...] = ()


def read(path: Path, encoding: str | None = None, *, with_labels: bool = True) -> Examples:
    """Read cases of channels divided by `:`, values by `,`, the label last; lengths may differ.

    Missing values (`?`, `NaN`) are NaN. Without `with_labels` labels are not read, so they may be
    `?`. Raises `DataError` with line, channel and value for a value that is not a number, and for
    cases that contradict the tags.
    """
    file = read_text(path, encoding)
    lines = file.lines
    header, first = _header(path, lines)
    items: list[Item] = []
    labels: list[str] = []
    places: list[str] = []
    for number, line in enumerate(lines[first:], first + 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"line {number}"
        channels = line.strip().split(":")
        if header.has_labels:
            label = channels.pop()
            if with_labels:
                labels.append(_label(path, place, label, header))
        width = items[0].shape[1] if items and not isinstance(items[0], str) else None
        items.append(_case(path, place, channels, header.dimensions or width, header.length))
        places.append(place)
    if not items:
        raise DataError(f"{path}: holds no case below @data; one on every line is expected")
    names = label_names(labels, places, str(path)) if header.has_labels and with_labels else None
    return Examples(
        path.name,
        items,
        names,
        places,
        str(path),
        file.sha256,
        read_as={"format": "ts"},
        findings=file.encoding.findings(),
    )


def _header(path: Path, lines: list[str]) -> tuple[_Header, int]:
    """Return the tags, and the number of lines up to `@data`."""
    header = _Header()
    for number, line in enumerate(lines, 1):
        tag, *values = line.split() or [""]
        tag = tag.lower()
        if tag == "@data":
            return header, number
        if tag and not tag.startswith(("@", "#")):
            raise DataError(
                f"{path}: line {number}: a tag such as @classLabel is expected above @data, got "
                f"{line[:40]!r}; is this a .ts file?"
            )
        _follow(path, number, header, tag, values)
    raise DataError(f"{path}: has no line @data, so it is no .ts file or is cut off")


def _follow(path: Path, number: int, header: _Header, tag: str, values: list[str]) -> None:
    is_true = bool(values) and values[0].lower() == "true"
    if tag == "@timestamps" and is_true:
        raise DataError(
            f"{path}: line {number}: values with time stamps are not read; write the values alone, "
            "or a table with the columns id, time, values and label"
        )
    if tag == "@targetlabel" and is_true:
        raise DataError(
            f"{path}: line {number}: @targetLabel says that numbers are to be estimated; "
            "classification needs @classLabel"
        )
    if tag == "@classlabel":
        header.has_labels, header.labels = is_true, tuple(values[1:])
    if tag == "@univariate" and is_true:
        header.dimensions = 1
    if tag in ("@dimensions", "@dimension", "@serieslength"):
        if len(values) != 1 or not _is_count(values[0]):
            raise DataError(
                f"{path}: line {number}: {tag} needs a whole number above 0, got "
                f"{' '.join(values)[:40]!r}"
            )
        if tag == "@serieslength":
            header.length = int(values[0])
        else:
            header.dimensions = int(values[0])


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) < 10 and int(text) > 0


def _label(path: Path, place: str, text: str, header: _Header) -> str:
    label = text.strip()
    if not label or label == "?":
        raise DataError(f"{path}: {place}: the label behind the last colon is missing")
    if header.labels and label not in header.labels:
        raise DataError(
            f"{path}: {place}: the label {label[:40]!r} is not among those of @classLabel: "
            f"{', '.join(header.labels[:10])}"
        )
    return label


def _case(
    path: Path, place: str, channels: list[str], width: int | None, length: int | None
) -> NDArray[np.float64]:
    """Return values [T, F] of a case."""
    if width is not None and len(channels) != width:
        raise DataError(
            f"{path}: {place}: {len(channels)} channels divided by colons, {width} are expected"
        )
    values = [_values(path, place, i, text) for i, text in enumerate(channels, 1)]
    steps = length or len(values[0])
    for i, channel in enumerate(values, 1):
        if len(channel) != steps:
            raise DataError(
                f"{path}: {place}: channel {i} has {len(channel)} values, {steps} are expected"
            )
    return np.stack(values, 1)


def _values(path: Path, place: str, channel: int, text: str) -> NDArray[np.float64]:
    cells = text.split(",")
    values, bad = with_gaps(cells)
    if bad is not None:
        raise DataError(
            f"{path}: {place}: channel {channel}, value {bad + 1} {cells[bad].strip()[:40]!r} is "
            "no number; correct it, write ? if it is not known, or remove the line"
        )
    return values

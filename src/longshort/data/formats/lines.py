"""A label, white space and a text on every line."""

from __future__ import annotations

from pathlib import Path

from longshort.data.labelled import Examples
from longshort.data.labels import label_names
from longshort.data.textfiles import TextFile, read_text
from longshort.errors import DataError


def read(path: Path, encoding: str | None = None) -> Examples:
    """Lines of `label text`; empty lines are left out, a line without a text is refused."""
    file = read_text(path, encoding)
    items, labels, places = [], [], []
    for number, line in enumerate(file.lines, 1):
        if not line.strip():
            continue
        label, _, text = line.strip().partition(" ")
        if "\t" in label:
            label, _, text = line.strip().partition("\t")
        if not text.strip():
            raise DataError(
                f"{path}: line {number}: a label and a text are expected, got {line[:40]!r}; "
                "remove the line, or add what is missing"
            )
        items.append(text.strip())
        labels.append(label)
        places.append(f"line {number}")
    if not items:
        raise DataError(f"{path}: holds no line; `label text` on every line is expected")
    names = label_names(labels, places, str(path))
    return _examples(path, file, items, names, places)


def read_texts(path: Path, encoding: str | None = None) -> Examples:
    """Every line is a text without a label; an empty line is an empty text."""
    file = read_text(path, encoding)
    places = [f"line {number}" for number in range(1, len(file.lines) + 1)]
    return _examples(path, file, file.lines, None, places)


def _examples(
    path: Path, file: TextFile, texts: list[str], labels: list[str] | None, places: list[str]
) -> Examples:
    found = {"format": "lines"}
    return Examples(
        path.name,
        list(texts),
        labels,
        places,
        str(path),
        file.sha256,
        read_as=found,
        findings=file.encoding.findings(),
    )

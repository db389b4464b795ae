"""A label, white space and a text on every line."""

from __future__ import annotations

from pathlib import Path

from longshort.data.labelled import Examples
from longshort.data.labels import label_names
from longshort.data.textfiles import read_lines
from longshort.errors import DataError


def read(path: Path) -> Examples:
    """Lines of `label text`; empty lines are left out, a line without a text is refused."""
    lines, digest = read_lines(path)
    items, labels, places = [], [], []
    for number, line in enumerate(lines, 1):
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
    return _examples(path, items, names, places, digest)


def read_texts(path: Path) -> Examples:
    """Every line is a text without a label; an empty line is an empty text."""
    texts, digest = read_lines(path)
    places = [f"line {number}" for number in range(1, len(texts) + 1)]
    return _examples(path, texts, None, places, digest)


def _examples(
    path: Path, texts: list[str], labels: list[str] | None, places: list[str], digest: str
) -> Examples:
    found = {"format": "lines"}
    return Examples(path.name, list(texts), labels, places, str(path), digest, read_as=found)

"""Tables of pictures and texts: CSV, TSV, JSON lines, Parquet, or a frame."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshort.config import DataConfig
from longshort.data.findings import Finding
from longshort.data.sources import is_frame, open_source, polars_errors
from longshort.data.textfiles import json_fault, read_text
from longshort.errors import DataError, nearest
from longshort.lazy import polars as pl
from longshort.tasks.read.config import ReadData

FILES = ("file", "image", "path", "filename", "file_name", "image_path", "img", "name")
TEXTS = ("text", "transcription", "transcript", "label", "gt", "ground_truth", "sentence")
SPLIT_COLUMNS = ("split", "set", "subset", "part", "fold")
SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "dev": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_TABBED = (".tsv", ".tab", ".txt")
_KNOWN = (*_TABBED, ".csv", ".jsonl", ".ndjson", ".parquet", ".pq")


@dataclass(frozen=True)
class Rows:
    """Rows of a table: the picture's file, its text, and its group and split where there are."""

    name: str
    folder: Path
    """Folder that the files are in."""
    files: list[str]
    texts: list[str] | None
    groups: list[str] | None
    splits: list[str] | None
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()


def is_table(data: object) -> bool:
    """Whether data is a frame."""
    return is_frame(data)


def read_table(data: object, config: ReadData, labelled: bool) -> Rows:
    """Read a table by the meaning of its columns; raises `DataError` with place and remedy."""
    if not isinstance(data, (str, Path)):
        frame = open_source(data, DataConfig()).lazy.collect()
        return _arranged("frame", Path(), frame.columns, frame.rows(), config, labelled)
    path = Path(data)
    if path.suffix.lower() not in _KNOWN:
        raise DataError(
            f"{path}: is no table of pictures; give a folder of pictures with their texts, or a "
            f"table ({', '.join(_KNOWN)})"
        )
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            frame = pl.read_parquet(path)
        except polars_errors(OSError) as error:
            raise DataError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
        return _arranged(str(path), path.parent, frame.columns, frame.rows(), config, labelled)
    file = read_text(path, config.encoding)
    names, cells = _cells(path, file.lines)
    found = _arranged(str(path), path.parent, names, cells, config, labelled)
    more = {"path": str(path), "sha256": file.sha256, "findings": file.encoding.findings()}
    return Rows(**{**vars(found), **more})


def _cells(path: Path, lines: list[str]) -> tuple[list[str], list[Sequence[Any]]]:
    """Return the names of the columns, and the rows."""
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _objects(path, lines)
    if path.suffix.lower() in _TABBED:
        rows = [line.split("\t") for line in lines if line.strip()]
    else:
        rows = [row for row in csv.reader(lines) if row]
    if not rows:
        raise DataError(f"{path}: holds no row")
    names = [cell.strip() for cell in rows[0]]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise DataError(
                f"{path}: row {number}: {len(names)} cells are expected ({', '.join(names)}), got "
                f"{len(row)}: {row[0][:40]!r}"
            )
    return names, list(rows[1:])


def _objects(path: Path, lines: list[str]) -> tuple[list[str], list[Sequence[Any]]]:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: line {number}: is not JSON: {json_fault(error)}") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}: line {number}: an object is expected, got {line[:40]!r}")
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names, [[row.get(name) for name in names] for row in rows]


def _arranged(
    name: str,
    folder: Path,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    config: ReadData,
    labelled: bool,
) -> Rows:
    file = _column(name, names, config.file, FILES, "file")
    if file is None:
        raise DataError(_lost(name, names, "file", "the picture's file"))
    text = _column(name, names, config.text, TEXTS, "text") if labelled else None
    if labelled and text is None:
        raise DataError(_lost(name, names, "text", "the text"))
    group = _column(name, names, config.group, (), "group")
    split = _column(name, names, config.split, SPLIT_COLUMNS, "split")
    if not rows:
        raise DataError(f"{name}: holds no row")

    def column(chosen: int | None) -> list[str] | None:
        if chosen is None:
            return None
        return ["" if row[chosen] is None else str(row[chosen]) for row in rows]

    files = column(file) or []
    empty = next((i for i, each in enumerate(files) if not each.strip()), None)
    if empty is not None:
        raise DataError(f"{name}: row {empty + 1} names no picture; fill it in, or remove it")
    return Rows(name, folder, files, column(text), column(group), _parts(name, column(split)))


def _column(
    name: str, names: Sequence[str], asked: str | None, usual: Sequence[str], role: str
) -> int | None:
    if asked is not None:
        if asked not in names:
            raise DataError(
                f"{name}: data.{role}: there is no column {asked!r}; {nearest(asked, names)}"
            )
        return list(names).index(asked)
    lower = [each.strip().lower() for each in names]
    return next((lower.index(each) for each in usual if each in lower), None)


def _lost(name: str, names: Sequence[str], role: str, what: str) -> str:
    shown = ", ".join(map(repr, names[:20]))
    return (
        f"{name}: which column is {what}? The first line names the columns; say --set "
        f"data.{role}=NAME; there are {shown}"
    )


def _parts(name: str, cells: list[str] | None) -> list[str] | None:
    if cells is None:
        return None
    found = []
    for number, cell in enumerate(cells, 1):
        part = SPLITS.get(cell.strip().lower())
        if part is None:
            raise DataError(
                f"{name}: row {number}: the split {cell!r} is not known; allowed: "
                f"{', '.join(SPLITS)} (the column is data.split)"
            )
        found.append(part)
    return found

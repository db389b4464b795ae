"""Refusing files of the kind of lines that a run does not read, before they are read."""

from __future__ import annotations

from pathlib import Path

from longshort.data.strokes.reading import is_strokes
from longshort.errors import DataError
from longshort.tasks.read.config import ReadData
from longshort.tasks.read.picture import KINDS
from longshort.tasks.read.store import is_archive, store_at

_TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
_READS = {
    "pictures": "pictures of lines; give these: a picture, a folder of pictures, or a table",
    "strokes": "pen strokes; give these: JSON, .npz, InkML or UNIPEN",
}


def refuse_file_of_other_kind(path: Path, config: ReadData) -> None:
    """Raise `DataError` for pen strokes where pictures are read, and for pictures for strokes."""
    came = None
    if config.kind == "pictures":
        came = "holds pen strokes" if is_strokes(path) else None
    elif config.kind == "strokes":
        came = _of_pictures(path)
    if config.kind is not None and came is not None:
        raise DataError(f"{path}: {came}, and the run reads {_READS[config.kind]}")


def _of_pictures(path: Path) -> str | None:
    """Say what a file or folder is if it can only be one of pictures; None for others."""
    if is_strokes(path):
        return None
    if path.is_dir() or is_archive(path):
        names = store_at(path).names()
        return "holds pictures" if any(name.lower().endswith(KINDS) for name in names) else None
    if path.name.lower().endswith(KINDS):
        return "is a picture"
    return "is a table, as of pictures" if path.name.lower().endswith(_TABLES) else None

"""Reading pen strokes; the format is detected by name and content.

| format | what |
|---|---|
| `.json`, `.jsonl` | objects with strokes and a label, see `objects` |
| `.npz` | rows (dx, dy, pen), see `archive` |
| `.inkml`, or a folder of such files | W3C InkML, see `inkml` |
| UNIPEN | text with `.PEN_DOWN`, see `unipen` |
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from longshort.data.strokes import archive, inkml, objects, unipen
from longshort.data.strokes.ink import Inks
from longshort.data.strokes.inkml import Of
from longshort.data.textfiles import read_head
from longshort.errors import DataError

StrokeFormat = Literal["json", "npz", "inkml", "unipen"]

_BY_NAME: dict[str, StrokeFormat] = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".npz": "npz",
    ".inkml": "inkml",
}
_READERS: dict[StrokeFormat, Callable[[Path], Inks]] = {
    "json": objects.read,
    "npz": archive.read,
    "unipen": unipen.read,
}
_HEAD = 1 << 16
"""Bytes by which a format is known."""


def read_inks(path: Path, of: Of = "files") -> Inks:
    """Read pen strokes from a file, or from a folder of InkML files.

    of: whether a sample of InkML is a file, or a labelled group of strokes where there are any. An
    archive with parts (`train`, `valid`, `test`) is read whole; `read_parts` keeps them apart.
    Raises `DataError` with file, line and remedy.
    """
    kind = stroke_format(path)
    found = inkml.read(path, of) if kind == "inkml" else _READERS[kind](path)
    if not len(found):
        raise DataError(f"{path}: holds no pen strokes")
    return found


def read_parts(path: Path) -> dict[str, Inks]:
    """Read the parts "train", "val" and "test" of a file; one that has none is all "train"."""
    parts = archive.parts(path) if path.is_file() and stroke_format(path) == "npz" else {}
    return parts or {"train": read_inks(path)}


def stroke_format(path: Path) -> StrokeFormat:
    """Detect a file's format by its suffix, otherwise by its first bytes; raises `DataError`."""
    if path.is_dir():
        return "inkml"
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    named = _BY_NAME.get(suffixes[-1]) if suffixes else None
    if named is not None:
        return named
    head = read_head(path, _HEAD)
    if unipen.is_unipen(head):
        return "unipen"
    if head[:2] == b"PK":
        return "npz"
    if head.lstrip()[:1] in (b"{", b"["):
        return "json"
    if b"<ink" in head:
        return "inkml"
    raise DataError(
        f"{path}: is no file of pen strokes; JSON, .npz, InkML and UNIPEN can be read (see "
        "docs/strokes.md)"
    )


def is_strokes(path: Path) -> bool:
    """Whether a file can only be one of pen strokes, by its name or its first bytes."""
    if path.is_dir():
        return any(path.glob("*.inkml"))
    if path.suffix.lower() == ".inkml":
        return True
    if not path.is_file() or path.stat().st_size == 0:
        return False
    head = read_head(path, _HEAD)
    if head[:2] == b"PK":
        return archive.is_of_strokes(path)
    return unipen.is_unipen(head) or objects.begins_so(head)

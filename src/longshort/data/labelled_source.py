"""Labelled sequences from whatever holds them: the format by name and content."""

from __future__ import annotations

from pathlib import Path

from longshort.config.sequences import Format, SequenceData
from longshort.data.formats import arrays, idx, lines, long, rows, table, ts
from longshort.data.labelled import Examples, checked
from longshort.data.textfiles import read_head
from longshort.errors import DataError

_BY_NAME: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".npy": "arrays",
    ".npz": "arrays",
    ".ts": "ts",
    ".txt": "lines",
}
_TABLES = ("csv", "jsonl", "parquet")
_HEAD = 64


def read_examples(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """A file, a frame, or examples as they are; raises `DataError` with place and remedy.

    Without `with_labels` they may be absent, and are not looked for where that could go wrong.
    """
    found = checked(_read(data, config, with_labels))
    if not len(found):
        raise DataError(f"{found.name}: holds no example")
    return found


def _read(data: object, config: SequenceData, with_labels: bool) -> Examples:
    if isinstance(data, Examples):
        return data
    if not isinstance(data, (str, Path)):
        return _read_table(data, config, with_labels)
    path = Path(data)
    kind = config.format or format_of(path, names_columns=config.names_columns())
    if kind == "lines":
        return lines.read(path, config) if with_labels else lines.read_texts(path, config)
    if kind == "rows":
        return rows.read(path, config, with_labels=with_labels)
    if kind == "ts":
        return ts.read(path, config.encoding, with_labels=with_labels)
    if kind == "idx":
        return idx.read(path, config.pixels, with_labels=with_labels)
    if kind == "arrays":
        return arrays.read(path, config.axes, with_labels=with_labels)
    return _read_table(path, config.model_copy(update={"format": kind}), with_labels)


def _read_table(data: object, config: SequenceData, with_labels: bool) -> Examples:
    """A row for each text, or a row for each step of a sequence."""
    is_long = config.format == "long" or bool(config.id or config.features)
    if not is_long and config.text is None:
        is_long = long.is_long(table.opened(data, config), config)
    read = long.read if is_long else table.read
    return read(data, config, with_labels=with_labels)


def like(first: Examples, config: SequenceData) -> SequenceData:
    """The settings with what the reading of these examples brought to light."""
    names = {"features": first.features} if first.features else {}
    return config.model_copy(update={**first.read_as, **names})


def of_another(path: Path, config: SequenceData) -> SequenceData:
    """The settings of a run for another file: the run's format, unless the file says otherwise.

    An ending that the run's own file does not have says it, and what the first bytes give away.
    """
    if config.path is not None and _ending(Path(config.path)) == _ending(path):
        return config
    if _by_name(path) is None and _by_content(path) is None:
        return config
    kind = format_of(path, names_columns=config.names_columns())
    if kind == config.format or (config.format == "long" and kind in _TABLES):
        return config
    return config.model_copy(update={"format": kind, "delimiter": None, "label_side": None})


def format_of(path: Path, *, names_columns: bool = False) -> Format:
    """By the name's end, else by the first bytes.

    Text whose first line holds numbers alone is of rows, unless columns are named.
    """
    kind = _by_name(path) or _by_content(path) or "lines"
    if kind == "lines" and lines.names_columns(path):
        return "csv"
    is_text = kind in ("csv", "lines") and not names_columns
    return "rows" if is_text and rows.begins_so(path) else kind


def _by_name(path: Path) -> Format | None:
    return _BY_NAME.get(_ending(path))


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def _by_content(path: Path) -> Format | None:
    head = read_head(path, _HEAD)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"\x93NUMPY":
        return "arrays"
    if head.lstrip()[:1] == b"{":
        return "jsonl"
    return "idx" if idx.is_idx(head) else None

"""Labelled sequences from whatever holds them: the format by name and content."""

from __future__ import annotations

from pathlib import Path

from longshort.config.sequences import SequenceData
from longshort.data.formats import arrays, idx, lines, long, table, ts
from longshort.data.labelled import Examples
from longshort.data.sources import open_source
from longshort.data.textfiles import read_bytes

_BY_NAME = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".npy", ".npz"), "arrays"),
    ".ts": "ts",
}


def read_examples(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """A file, a frame, or examples as they are; raises `DataError` with place and remedy.

    Without `with_labels` they may be absent, and are not looked for where that could go wrong.
    """
    if isinstance(data, Examples):
        return data
    if not isinstance(data, (str, Path)):
        return _read_table(data, config, with_labels)
    path = Path(data)
    kind = config.format or format_of(path)
    if kind == "lines":
        return lines.read(path)
    if kind == "ts":
        return ts.read(path)
    if kind == "idx":
        return idx.read(path, config.pixels, with_labels=with_labels)
    if kind == "arrays":
        return arrays.read(path, with_labels=with_labels)
    return _read_table(path, config, with_labels)


def _read_table(data: object, config: SequenceData, with_labels: bool) -> Examples:
    """A row for each text, or a row for each step of a sequence."""
    is_long = config.format == "long" or bool(config.id or config.features)
    if not is_long and config.text is None:
        is_long = long.is_long(open_source(data, table.table_config(config)))
    read = long.read if is_long else table.read
    return read(data, config, with_labels=with_labels)


def format_of(path: Path) -> str:
    """One of the values of `data.format`: by the name's end, else by the first bytes."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in _BY_NAME:
        return _BY_NAME[suffixes[-1]]
    raw, _ = read_bytes(path)
    if raw[:4] == b"PAR1":
        return "parquet"
    if raw[:6] == b"\x93NUMPY":
        return "arrays"
    return "idx" if idx.is_idx(raw) else "lines"

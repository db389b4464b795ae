"""Labelled sequences from whatever holds them: the format by name and content."""

from __future__ import annotations

from pathlib import Path

from longshort.config.sequences import SequenceData
from longshort.data.formats import lines, table
from longshort.data.labelled import Examples
from longshort.data.textfiles import read_bytes
from longshort.errors import DataError

_TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".pq")


def read_examples(data: object, config: SequenceData) -> Examples:
    """A file, a frame, or examples as they are; raises `DataError` with place and remedy."""
    if isinstance(data, Examples):
        return data
    if not isinstance(data, (str, Path)):
        return table.read(data, config)
    path = Path(data)
    kind = config.format or _format_of(path)
    if kind == "lines":
        return lines.read(path)
    if kind in ("csv", "jsonl", "parquet"):
        return table.read(path, config)
    raise DataError(f"{path}: the format {kind!r} cannot be read yet")


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    last = suffixes[-1] if suffixes else ""
    if last in _TABLES:
        return {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}.get(
            last, "csv"
        )
    raw, _ = read_bytes(path)
    if raw[:4] == b"PAR1":
        return "parquet"
    return "lines"

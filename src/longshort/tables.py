"""Writing tables to files; the format follows from the file's name."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from longshort.errors import ConfigError, RunError
from longshort.lazy import polars as pl

_FORMATS = {"csv": "csv", "tsv": "tsv", "parquet": "parquet", "jsonl": "jsonl", "ndjson": "jsonl"}
"""Formats of tables by the endings of file names."""


def refuse_existing(path: Path | None, overwrite: bool, *, is_table: bool = True) -> None:
    """Raise before any work if `path` would be overwritten or cannot be written.

    is_table: the name has to end as that of a table.
    """
    if path is None:
        return
    if path.exists() and not overwrite:
        raise RunError(f"{path}: exists; give another --out or --overwrite")
    if not path.parent.is_dir():
        raise RunError(f"{path}: the folder {path.parent} does not exist; make it first")
    if is_table:
        _format(path)


def readable(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with all floating-point numbers rounded to six significant digits."""
    columns = [
        name for name, kind in zip(table.columns, table.dtypes, strict=True) if kind.is_float()
    ]
    return table.with_columns(
        pl.Series(
            name, [value if value is None else float(f"{value:.6g}") for value in table[name]]
        )
        for name in columns
    )


def encode(table: pl.DataFrame, path: Path, text: pl.DataFrame | None = None) -> bytes:
    """Return the table as CSV, TSV, Parquet or JSON lines.

    text: the table for text formats, rounded for people.
    """
    buffer = io.BytesIO()
    kind = _format(path)
    if kind == "parquet":
        table.write_parquet(buffer)
    elif kind == "jsonl":
        table.write_ndjson(buffer)
    else:
        (table if text is None else text).write_csv(
            buffer, separator="\t" if kind == "tsv" else ","
        )
    return buffer.getvalue()


def refuse_other_kinds(path: Path, others: Sequence[str] = ()) -> None:
    """Raise `ConfigError` if a file's name ends neither as that of a table nor as one of others."""
    if path.suffix.lower() not in others:
        _format(path, others)


def has_table_name(path: Path) -> bool:
    """Return whether a file's name ends as that of a table."""
    return _ending(path) in _FORMATS


def _format(path: Path, others: Sequence[str] = ()) -> str:
    kind = _ending(path)
    if kind not in _FORMATS:
        more = "".join(f", {each}" for each in others)
        raise ConfigError(
            f"--out {path}: the name must end in .csv, .tsv, .parquet or .jsonl{more}, which says "
            "the format"
        )
    return _FORMATS[kind]


def _ending(path: Path) -> str:
    return path.suffix.lower().lstrip(".")

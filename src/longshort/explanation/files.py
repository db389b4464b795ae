"""The files of an explanation: a page and a table, which replace none of the user's."""

from __future__ import annotations

from pathlib import Path

from longshort.errors import RunError
from longshort.lazy import polars as pl
from longshort.runfolder import ATTRIBUTIONS, EXPLANATION, is_explained, write_atomic
from longshort.tables import encode

_COLUMNS = {"row", "step", "feature", "value", "method", "completeness"}


def refuse_foreign(folder: Path, overwrite: bool) -> None:
    """Raise `RunError` before any work if a file in the way is not one of an explanation."""
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder; make it first, or give another --out")
    page, table = folder / EXPLANATION, folder / ATTRIBUTIONS
    for path, is_own in ((page, is_explained(folder)), (table, _is_table(table))):
        if path.exists() and not overwrite and not is_own:
            raise RunError(
                f"{path}: exists and is not an earlier explanation; give another folder with "
                "--out, or --overwrite"
            )


def write_files(folder: Path, page: str, table: pl.DataFrame) -> tuple[Path, Path]:
    """Write the page and the table; returns their paths."""
    paths = folder / EXPLANATION, folder / ATTRIBUTIONS
    write_atomic(paths[0], page)
    write_atomic(paths[1], encode(table, paths[1]))
    return paths


def _is_table(path: Path) -> bool:
    try:
        return pl.read_parquet_schema(path).keys() >= _COLUMNS
    except (OSError, pl.exceptions.PolarsError):
        return False

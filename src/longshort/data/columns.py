"""Text cells into numbers; a cell that is none is named by row and value."""

from __future__ import annotations

import re

import polars as pl

from longshort.config import DataConfig
from longshort.data.sources import NULLS, Source
from longshort.errors import DataError

_GERMAN = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?([eE][+-]?\d+)?$"
"""A number with a decimal comma; dots only between thousands."""
_THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"


def number(source: Source, name: str, config: DataConfig) -> pl.Expr:
    """Expression that reads column `name` as float64; what is no number becomes null."""
    dtype = source.sample.schema[name]
    column = pl.col(name)
    if dtype == pl.String:
        text = text_cells(name)
        if config.decimal == ",":
            plain = text.str.replace_all(r"\.(\d{3})", "$1").str.replace(",", ".", literal=True)
            text = pl.when(text.str.contains(_GERMAN)).then(plain).otherwise(pl.lit("no number"))
        return text.cast(pl.Float64, strict=False)
    if dtype.is_numeric() or dtype == pl.Boolean or dtype == pl.Null:
        return column.cast(pl.Float64)
    raise DataError(
        f"{source.name}: column {name!r} holds {dtype}, a number is needed; choose another column"
    )


def is_numeric(source: Source, name: str, config: DataConfig, *, or_empty: bool = False) -> bool:
    """Whether most of a column's first cells are numbers; an empty column is so on request."""
    dtype = source.sample.schema[name]
    if dtype != pl.String:
        return bool(dtype.is_numeric())
    cells = source.sample.select(text=text_cells(name), number=number(source, name, config))
    known = cells.filter(pl.col("text").is_not_null())["number"]
    return known.null_count() * 2 < known.len() if known.len() else or_empty


def refuse_text(source: Source, names: list[str], config: DataConfig) -> None:
    """Raise for the first cell that is neither empty nor a number."""
    texts = [name for name in names if source.sample.schema[name] == pl.String]
    lost = source.lazy.select(
        (text_cells(name).is_not_null() & number(source, name, config).is_null()).any().alias(name)
        for name in texts
    ).collect(engine="streaming")
    for name in texts:
        if not lost[name][0]:
            continue
        bad = (
            source.lazy.select(pl.col(name), value=number(source, name, config))
            .with_row_index("row")
            .filter(text_cells(name).is_not_null() & pl.col("value").is_null())
            .head(3)
            .collect()
        )
        row, value = int(bad["row"][0]), str(bad[name][0])
        hint = "correct it or leave the cell empty"
        if re.fullmatch(_THOUSANDS, value.strip()):
            hint = "remove the thousands separators"
        elif "," in value and config.decimal == ".":
            hint = "if commas are decimal marks, use --set data.decimal=','"
        raise DataError(
            f"{source.name}: {source.row(row)}, column {name!r}: {value[:40]!r} is not a number; "
            f"{hint}"
        )


def text_cells(name: str) -> pl.Expr:
    """Cells without blanks around them; those that stand for nothing become null."""
    text = pl.col(name).str.strip_chars()
    return pl.when(text.is_in(NULLS)).then(None).otherwise(text)

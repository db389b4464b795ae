"""Text cells as numbers; a cell that is not a number is reported with row and value."""

from __future__ import annotations

import re

from longshort.config import DataConfig
from longshort.data.notation import Notation, decide, evidence_of, looks_written, refuse_mixed_signs
from longshort.data.sources import NULLS, Source
from longshort.errors import DataError
from longshort.lazy import polars as pl

_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_CODE_NAMES = frozenset(
    ("id", "ids", "nr", "no", "code", "key", "filiale", "store", "shop", "branch", "plz", "zip",
     "postcode", "postal", "sku", "ean", "index", "unnamed")
)  # fmt: skip
"""Words in the names of columns that hold identifiers."""


CODED = "its codes begin with 0"


def number(source: Source, name: str, config: DataConfig) -> pl.Expr:
    """Return an expression that reads column `name` as float64; null where it is not a number.

    Values that stand for missing ones (`data.missing`) become NaN.
    """
    dtype = source.types[name]
    if dtype == pl.String:
        text = known_text(name, config)
        if holds_words(source, name):
            lower = text.str.to_lowercase()
            return lower.replace_strict(_WORDS, default=None, return_dtype=pl.Float64)
        read = notation_of(config).read
        value = text.map_batches(read, return_dtype=pl.Float64, is_elementwise=True)
    elif dtype.is_numeric() or dtype == pl.Boolean or dtype == pl.Null:
        value = pl.col(name).cast(pl.Float64)
    else:
        raise DataError(
            f"{source.name}: column {name!r} holds {dtype}, a number is needed; choose another "
            "column"
        )
    for missing in _missing_numbers(config):
        is_it = (value - missing).abs() <= 1e-6 * abs(missing)
        value = pl.when(is_it).then(float("nan")).otherwise(value)
    return value


def notation_of(config: DataConfig) -> Notation:
    """Return the number notation of the settings.

    With a decimal comma, points may separate thousands.
    """
    usual = "." if config.decimal == "," else ""
    return Notation(
        config.decimal or ("," if config.thousands == "." else "."),
        usual if config.thousands is None else config.thousands,
    )


def decide_notation(
    source: Source, names: list[str], config: DataConfig
) -> tuple[DataConfig, list[str]]:
    """Decide decimal mark and thousands separator of columns; returns settings and remarks."""
    delimiter = source.delimiter
    texts = {
        name: known_text(name, config)
        for name in names
        if source.types[name] == pl.String and not holds_words(source, name)
    }
    if not texts or not _are_odd(source, texts, is_wary=delimiter == ";"):
        return config, []
    columns = evidence_of(source.lazy, texts)
    for column in columns:
        refuse_mixed_signs(source.name, column)
    notation = decide(source.name, columns, config.decimal, config.thousands, wary=delimiter == ";")
    said = []
    for column in columns:
        if column.says and notation != Notation() and config.decimal is None:
            said.append(
                f"column {column.column!r} has {_in_words(notation)}, as in {column.example!r}"
            )
        for sign in column.signs:
            said.append(f"column {column.column!r}: the sign {sign!r} is left out")
    if notation == notation_of(config):
        return config, said
    chosen = {"decimal": notation.decimal, "thousands": notation.thousands}
    return config.model_copy(update=chosen), said


def is_numeric(source: Source, name: str, config: DataConfig, *, or_empty: bool = False) -> bool:
    """Whether most of a column's first cells are numbers; `or_empty`: also if all are empty."""
    dtype = source.types[name]
    if dtype != pl.String:
        return bool(dtype.is_numeric())
    text = source.first_texts(name)
    if config.missing:
        text = text.filter(~text.is_in(list(config.missing)))
    if not text.len():
        return or_empty
    plain = text.cast(pl.Float64, strict=False).is_not_null()
    if plain.all():
        return True
    return int((plain | looks_written(text)).sum()) * 2 > text.len()


def why_identifier(source: Source, name: str) -> str:
    """Return why a numeric column looks like identifiers; empty where it does not.

    A name with a number in it, such as store_1, is one of several series.
    """
    cells = source.sample[name].drop_nulls()
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars()
        if cells.str.contains(r"^0\d+$").any():
            return CODED
        cells = cells.cast(pl.Float64, strict=False).drop_nulls()
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    if re.search(r"\d", name) or not _CODE_NAMES.intersection(map(str.lower, words)):
        return ""
    is_whole = cells.dtype.is_integer() or bool((cells % 1 == 0).all())
    return "by its name" if is_whole else ""


def is_bad(source: Source, name: str, config: DataConfig) -> pl.Expr:
    """Return an expression: which cells of a column are neither empty nor a number."""
    if source.types[name] != pl.String:
        return pl.lit(False)
    return known_text(name, config).is_not_null() & number(source, name, config).is_null()


def refuse_text(source: Source, names: list[str], config: DataConfig) -> None:
    """Raise `DataError` for the first cell that is neither empty nor a number."""
    for name in names:
        bad = source.lazy.select(pl.col(name), bad=is_bad(source, name, config))
        first = bad.with_row_index("row").filter(pl.col("bad")).head(1).collect()
        if not first.height:
            continue
        row, cell = int(first["row"][0]), str(first[name][0])
        hint = "correct it or leave the cell empty"
        if "," in cell and config.decimal is not None:
            hint = f"data.decimal is {config.decimal!r}; set it to the mark of this column"
        elif re.search(r"\d[.,'’\s]\d{3}\b", cell):
            hint = "write it as the column's other numbers are"
        raise DataError(
            f"{source.name}: {source.row(row)}, column {name!r}: {cell[:40]!r} is not a number; "
            f"{hint}"
        )


def text_cells(name: str) -> pl.Expr:
    """Return an expression: cells without surrounding blanks; null where a text means missing."""
    text = pl.col(name).str.strip_chars()
    return pl.when(text.is_in(NULLS)).then(None).otherwise(text)


def known_text(name: str, config: DataConfig) -> pl.Expr:
    """Return an expression: as `text_cells`, and null for texts in `data.missing`."""
    text = text_cells(name)
    if not config.missing:
        return text
    return pl.when(text.is_in(list(config.missing))).then(None).otherwise(text)


def _missing_numbers(config: DataConfig) -> list[float]:
    found = []
    for text in config.missing:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return found


def holds_words(source: Source, name: str) -> bool:
    """Whether all first cells are true, false, yes or no."""
    text = source.first_texts(name)
    if not text.len() or text[0].lower() not in _WORDS:
        return False
    return bool(text.str.to_lowercase().is_in(list(_WORDS)).all())


def _are_odd(source: Source, texts: dict[str, pl.Expr], *, is_wary: bool) -> bool:
    """Whether text columns hold anything but plain numbers with a decimal point."""
    odd = [
        (text.is_not_null() & text.cast(pl.Float64, strict=False).is_null())
        | (text.str.contains(".", literal=True) if is_wary else pl.lit(False))
        for text in texts.values()
    ]
    found = source.lazy.select(each.any().alias(str(i)) for i, each in enumerate(odd))
    return any(found.collect(engine="streaming").row(0))


def _in_words(notation: Notation) -> str:
    mark = "a decimal comma" if notation.decimal == "," else "a decimal point"
    names = {".": "points", ",": "commas", "'": "apostrophes", " ": "spaces"}
    if not notation.thousands:
        return mark
    return f"{mark} and {names[notation.thousands]} between thousands"

"""Notation of numbers: decimal mark, thousands separator, signs of currency and percent.

The marks are decided from whole columns: 51.000,50 shows what 51.000 means. Where nothing decides,
as with 1,234 in every row, an error asks the user.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from longshort.errors import DataError
from longshort.lazy import polars as pl

SIGNS = "$€£¥%"
_MINUS = "−-"
_GROUPS = {"": "", ".": r"\.", ",": ",", "'": "['’]", " ": r"\s"}
"""Thousands separators, as patterns."""
_FEW = r"[1-9]\d{0,2}"


def _decimal(mark: str, other: str) -> str:
    """Return a pattern of numbers in which `mark` can only be the decimal mark.

    other: may separate groups.
    """
    return (
        rf"^(\d*{mark}(\d{{1,2}}|\d{{4,}})|0\d*{mark}\d*|\d{{4,}}{mark}\d*|\d*{mark}\d*[eE].*"
        rf"|\d+([{other}'’\s]\d{{2,3}})+{mark}\d*)$"
    )


_EVIDENCE = {
    "decimal comma": _decimal(",", "."),
    "decimal point": _decimal(r"\.", ","),
    "comma groups": r"^\d{1,3}(,\d{2,3})*,\d{3},\d{3}$",
    "point groups": r"^\d{1,3}(\.\d{3}){2,}$",
    "comma in doubt": rf"^{_FEW},\d{{3}}$",
    "point in doubt": rf"^{_FEW}\.\d{{3}}$",
    "spaces": r"^\d{1,3}(\s\d{3})+([.,]\d*)?$",
    "apostrophes": r"^\d{1,3}(['’]\d{3})+([.,]\d*)?$",
}
"""Patterns of cells, without signs, that are evidence of a notation."""


@dataclass(frozen=True)
class Notation:
    """Decimal mark and thousands separator (" " is any space, "" none)."""

    decimal: str = "."
    thousands: str = ""

    def read(self, text: pl.Series) -> pl.Series:
        """Return cells as float64; null for cells that are not numbers in this notation."""
        if self != Notation():
            return _written(text, self)
        values = text.cast(pl.Float64, strict=False)
        odd = text.is_not_null() & values.is_null()
        if not odd.any():
            return values
        return values.zip_with(~odd, _written(text, self))


def looks_written(text: pl.Series) -> pl.Series:
    """Return which cells are numbers in any notation."""
    return text.str.contains(_pattern(r"\d*([.,'’\s]\d+)*[.,]?"))


@dataclass(frozen=True)
class Evidence:
    """Evidence that the cells of a column give about its notation, and the signs in it."""

    column: str
    says: frozenset[str]
    signs: dict[str, int]
    known: int
    example: str


def evidence_of(frame: pl.LazyFrame, texts: Mapping[str, pl.Expr]) -> list[Evidence]:
    """Collect the evidence from every cell of these columns; `texts` are expressions by name."""
    selected = [
        expression.alias(f"{place} {key}")
        for place, text in enumerate(texts.values())
        for key, expression in _questions(text).items()
    ]
    row = frame.select(selected).collect(engine="streaming").row(0, named=True)
    return [
        Evidence(
            column,
            frozenset(name for name in _EVIDENCE if row[f"{place} {name}"]),
            {sign: row[f"{place} {sign}"] for sign in SIGNS if row[f"{place} {sign}"]},
            row[f"{place} known"],
            row[f"{place} example"] or "",
        )
        for place, column in enumerate(texts)
    ]


def _questions(text: pl.Expr) -> dict[str, pl.Expr]:
    core = text.str.extract(_pattern(r"[\d.,'’\s]*\d[.,]?"), 1).str.strip_chars()
    return {
        **{name: core.str.contains(pattern).any() for name, pattern in _EVIDENCE.items()},
        **{sign: text.str.contains(sign, literal=True).sum() for sign in SIGNS},
        "known": text.count(),
        "example": text.filter(core.str.contains("[.,]")).first(),
    }


def decide(
    source: str,
    columns: Sequence[Evidence],
    decimal: str | None,
    thousands: str | None,
    *,
    wary: bool,
) -> Notation:
    """Return the notation that all columns agree on; what is given is not decided.

    wary: 1.234 in every row counts as ambiguous too, as in files with semicolons. Raises
    `DataError` for columns that disagree or leave it open.
    """
    comma = [each for each in columns if each.says & {"decimal comma", "point groups"}]
    point = [each for each in columns if each.says & {"decimal point", "comma groups"}]
    torn = [each for each in comma if each in point]
    if decimal is None and torn:
        raise DataError(
            f"{source}: column {torn[0].column!r} has decimal commas and decimal points; write "
            "its numbers alike"
        )
    if decimal is None and comma and point:
        raise DataError(
            f"{source}: column {comma[0].column!r} ({comma[0].example!r}) has a decimal comma and "
            f"column {point[0].column!r} ({point[0].example!r}) a decimal point; write them alike, "
            "or leave one out"
        )
    doubtful = {"comma in doubt"} | ({"point in doubt"} if wary else set())
    open_ones = [each for each in columns if each.says & doubtful]
    if decimal is None and thousands in (None, " ", "'", "") and not comma + point and open_ones:
        _ask(source, open_ones[0])
    if decimal is None:
        decimal = "," if comma or thousands == "." else "."
    if thousands is None:
        said = frozenset[str]().union(*(each.says for each in columns))
        thousands = _thousands(said, decimal)
    return Notation(decimal, thousands)


def _thousands(said: frozenset[str], decimal: str) -> str:
    if "spaces" in said:
        return " "
    if "apostrophes" in said:
        return "'"
    if decimal == ",":
        return "."
    return "," if said & {"comma groups", "comma in doubt", "decimal point"} else ""


def _ask(source: str, column: Evidence) -> None:
    mark = "," if "comma in doubt" in column.says else "."
    raise DataError(
        f"{source}: column {column.column!r}: {column.example!r} may be a number with three "
        f"decimals or of thousands; say which with --set data.decimal='{mark}' or "
        f"--set data.thousands='{mark}'"
    )


def refuse_mixed_signs(source: str, column: Evidence) -> None:
    """Raise `DataError` if only some cells of a column have a sign, or it has several signs."""
    if not column.signs or list(column.signs.values()) == [column.known]:
        return
    signs = " and ".join(f"{sign!r} in {count:,}" for sign, count in column.signs.items())
    raise DataError(
        f"{source}: column {column.column!r}: {signs} of {column.known:,} cells, so the numbers "
        "are of different units; make them alike"
    )


def _written(text: pl.Series, notation: Notation) -> pl.Series:
    group, mark = _GROUPS[notation.thousands], re.escape(notation.decimal)
    whole = rf"(?:\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}|\d+)" if group else r"\d+"
    number = rf"(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][-+]?\d+)?"
    plain = pl.col("text").str.extract(_pattern(number), 1)
    if group:
        plain = plain.str.replace_all(group, "")
    plain = plain.str.replace(notation.decimal, ".", literal=True)
    is_negative = pl.col("text").str.contains(rf"^[(]|^\s*[{SIGNS}]?\s*[{_MINUS}]|[{_MINUS}]$")
    value = plain.cast(pl.Float64, strict=False)
    return (
        text.alias("text")
        .to_frame()
        .select(pl.when(is_negative).then(-value).otherwise(value))
        .to_series()
    )


def _pattern(number: str) -> str:
    """Return a pattern of a whole cell with a number in it, as the first group."""
    sign = rf"[{SIGNS}]?\s*"
    plus = rf"[+{_MINUS}]?\s*"
    return rf"^[(]?\s*{plus}{sign}{plus}({number})\s*{sign}[{_MINUS}]?\s*[)]?$"

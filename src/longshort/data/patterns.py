"""Date formats: detection of the format of a text, parsing, and writing.

A pattern is a format of strftime, in which %q is a quarter. Missing fields have their first value:
a month is day 1, a week is Monday, an hour is minute 0. A tab separates date and clock time that
come from two columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from longshort.lazy import polars as pl

DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y%m%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y.%m.%d",
    "%d-%B-%Y",
    "%d %B %Y",
    "%d/%B/%Y",
    "%d%B%Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%Y-%B-%d",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%d-%B-%y",
    "%d %B %y",
    "%G-W%V-%u",
    "%GW%V-%u",
)
COARSE = (
    "%Y-%m",
    "%Y/%m",
    "%m/%Y",
    "%m-%Y",
    "%m.%Y",
    "%YM%m",
    "%Y-M%m",
    "%B %Y",
    "%B-%Y",
    "%B %y",
    "%B-%y",
    "%Y %B",
    "%Y-%B",
    "%G-W%V",
    "%GW%V",
    "%G W%V",
    "%Y-Q%q",
    "%YQ%q",
    "%Y Q%q",
    "Q%q %Y",
    "Q%q-%Y",
    "Q%q/%Y",
)
"""Formats of months, weeks and quarters; they have no clock time."""
YEAR_FIRST = ("%y/%m/%d", "%y-%m-%d")
"""Rare formats: used only if no other one reads the column."""

_OFFSET = r"Z|[+-]\d{2}:?\d{2}|[+-]\d{2}"
_CLOCK = re.compile(
    r"(?P<mark>(?<=\d)T|\t|,? )(?P<hour>\d{1,2})(?P<minute>:\d{2})?(?P<second>:\d{2}(?:\.\d+)?)?"
    rf"(?P<half> ?[AaPp][Mm])?(?P<gap> ?)(?P<offset>{_OFFSET})?"
)
SHAPES = {
    "Y": r"\d{4}",
    "G": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{2}",
    "S": r"\d{2}",
    "B": r"[A-Za-z]{3,9}",
    "b": r"[A-Za-z]{3,9}",
    "p": r"[AaPp][Mm]",
    "V": r"\d{2}",
    "u": r"[1-7]",
    "q": r"[1-4]",
}
"""What the directives read, as regular expressions, by their letter."""
_WRITTEN: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("%m", "%d"), ("%-m", "%-d")),
    (("%H", "%I"), ("%-H", "%-I")),
    (("%B",), ("%b",)),
    (("%p",), ("%P",)),
    (("%S%.f",), ("%S",), ("%S%.3f",), ("%S%.6f",)),
)
"""Directives that read alike and write differently."""


def candidates(first: list[str]) -> list[list[str]]:
    """Return patterns with the shape of these cells, in groups by preference."""
    if not first:
        return []
    clock = _clock_pattern(first[0])
    usual = [date + clock for date in DATES] if clock else [*DATES, *COARSE]
    rare = [date + clock for date in YEAR_FIRST]
    return [
        [form for form in forms if all(re.fullmatch(_shape(form) or "", cell) for cell in first)]
        for forms in (usual, rare)
    ]


def _clock_pattern(cell: str) -> str:
    """Return the pattern of the time of day and zone at a cell's end; empty if it has none."""
    for match in _CLOCK.finditer(cell):
        if match.end() != len(cell) or not match.start():
            continue
        mark, half = match["mark"], match["half"] or ""
        if match["minute"] is None and (mark == " " or half):
            return ""
        text = mark + ("%I" if half else "%H") + (":%M" if match["minute"] else "")
        text += ":%S%.f" if match["second"] else ""
        text += half[:-2] + "%p" if half else ""
        return text + (match["gap"] + "%#z" if match["offset"] else "")
    return ""


def _shape(pattern: str) -> str | None:
    """Return a regular expression for texts of a pattern; None if it has unknown directives."""
    if pattern.startswith("%Y%m%d"):
        return r"\d{8}" + (_shape(pattern[6:]) or "") if pattern[6:] else r"\d{8}"
    pieces = re.split(r"(%\.f|%[:#]?z|%-?[A-Za-z])", pattern)
    found = []
    for piece in pieces:
        if piece == "%.f":
            found.append(r"(?:\.\d+)?")
        elif piece.endswith("z") and piece.startswith("%"):
            found.append(f"(?:{_OFFSET})")
        elif piece.startswith("%"):
            shape = SHAPES.get(piece[-1])
            if shape is None:
                return None
            found.append(shape)
        else:
            found.append(re.escape(piece))
    return "".join(found)


def has_clock(pattern: str) -> bool:
    """Whether a pattern has a time of day."""
    marks = ("H", "I", "T", "R", "M", "X", "c", "r", "s")
    return any(f"%{mark}" in pattern or f"%-{mark}" in pattern for mark in marks)


def has_offset(pattern: str) -> bool:
    """Whether a pattern has an offset from UTC."""
    return any(mark in pattern for mark in ("%z", "%#z", "%:z"))


def has_short_year(pattern: str) -> bool:
    """Whether a pattern has years of two digits."""
    return "%y" in pattern


def readable(written: str) -> str:
    """Return the pattern that reads what a pattern of `as_written` writes."""
    plain = re.sub(r"%:?z$|Z$", "%#z", written)
    plain = plain.replace("%-", "%").replace("%b", "%B").replace("%P", "%p")
    return re.sub(r"%S(?:%\.\d?f)?", "%S%.f", plain)


def parse(text: pl.Expr, pattern: str) -> pl.Expr:
    """Return an expression of datetimes in microseconds; null where the text has another format.

    They are instants in UTC for patterns with an offset, otherwise wall times.
    """
    shape = _shape(pattern)
    if shape is not None:  # a year of four digits has four, or '10/2/12' is in the year 12
        text = pl.when(text.str.contains(f"^(?:{shape})$")).then(text)
    if "%q" in pattern:
        return _parse_quarter(text)
    for mark, needs, rest, value in (
        ("%V", ("%u",), " %u", " 1"),
        ("%m", ("%d",), " %d", " 01"),
        ("%B", ("%d",), " %d", " 01"),
        ("%b", ("%d",), " %d", " 01"),
        ("%H", ("%M",), ":%M", ":00"),
    ):
        if mark in pattern and not any(need in pattern for need in needs):
            text, pattern = text + pl.lit(value), pattern + rest
    if has_offset(pattern):
        zoned = text.str.to_datetime(pattern, time_unit="us", strict=False, time_zone="UTC")
        return zoned.dt.replace_time_zone(None)
    if has_clock(pattern):
        return text.str.to_datetime(pattern, time_unit="us", strict=False)
    return text.str.to_date(pattern, strict=False).cast(pl.Datetime("us"))


def _parse_quarter(text: pl.Expr) -> pl.Expr:
    year = text.str.extract(r"(\d{4})", 1).cast(pl.Int64)
    quarter = text.str.extract(r"Q([1-4])", 1).cast(pl.Int64)
    return pl.datetime(year, quarter * 3 - 2, 1, time_unit="us")


def offset_of(text: pl.Expr) -> pl.Expr:
    """Return the offset at a text's end, in microseconds that it is behind UTC; 0 for Z."""
    sign = pl.when(text.str.contains(r"-\d{2}:?(?:\d{2})?$")).then(-1).otherwise(1)
    hours = text.str.extract(r"[+-](\d{2}):?(?:\d{2})?$", 1).cast(pl.Int64).fill_null(0)
    minutes = text.str.extract(r"[+-]\d{2}:?(\d{2})$", 1).cast(pl.Int64).fill_null(0)
    return sign * (hours * 60 + minutes) * 60_000_000


def as_written(sample: pl.Series, pattern: str) -> str:
    """Return the pattern that writes the sampled texts as they are, as far as one does."""
    cells = sample.unique(maintain_order=True).head(200)
    offset = ""
    if has_offset(pattern):
        first = str(cells[0])
        offset = "Z" if first.endswith("Z") else "%:z" if first[-3] == ":" else "%z"
        cells = cells.str.replace(f"(?:{_OFFSET})$", "")
        pattern = re.sub("%[:#]?z", "", pattern)
    moments = cells.to_frame("t").select(parse(pl.col("t"), pattern))["t"]

    def hits(written: str) -> int:
        return int((moments.dt.to_string(written) == cells).sum())

    return max(_variants(pattern), key=hits) + offset


def _variants(pattern: str) -> Iterator[str]:
    """Yield all variants of a pattern that read alike."""
    choices = []
    for ways in _WRITTEN:
        present = any(mark in pattern for mark in ways[0])
        choices.append(ways if present else ways[:1])
    for chosen in product(*choices):
        text = pattern
        for ways, way in zip(choices, chosen, strict=True):
            for plain, written in zip(ways[0], way, strict=True):
                text = text.replace(plain, written)
        yield text

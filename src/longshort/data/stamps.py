"""Conversion of cells to timestamps; a cell that does not fit is reported with row and value."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from longshort.config import DataConfig
from longshort.data.columns import text_cells
from longshort.data.findings import Finding
from longshort.data.forms import Form
from longshort.data.patterns import (
    as_written,
    candidates,
    has_clock,
    has_offset,
    has_short_year,
    offset_of,
    parse,
    readable,
)
from longshort.data.sources import Source
from longshort.data.zones import LIKELY, check_zone, offset_name, recognise
from longshort.errors import DataError
from longshort.lazy import polars as pl

_MINUTE = 60_000_000
_UNIX = ((1_000_000, 10**9), (1_000, 10**12), (1, 10**15))
"""Units of Unix time: microseconds per unit, and the number of units in the year 2001."""
_FARTHEST = 2.0**53
"""Largest number that counts rows or the time exactly."""
_DIGITS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_WEEK = ("week", "wk", "kw", "woche", "semaine", "semana")
_CLOCK_NAMES = ("time", "hour", "hr", "clock", "zeit", "uhrzeit", "stunde")
_CLOCK_CELL = r"^(?:\d{1,2}|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?)$"
_DATE_LIKE = re.compile(
    r"\d{1,4}[-/. ]\w{1,9}[-/. ]\d{1,4}.*|\d{4}[-/. ]?[^\W\d_]{1,9}[-/. ]?\d{1,2}"
    r"|[^\W\d_]{3,9}[-/. ,]+\d{2,4}|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
    r"|(?:.*\D)?(?:19|20)\d{2}\D.*|(?=.*\d.*\d).*\D(?:19|20)\d{2}"
)
"""Shapes of dates in any language: a year, with a day, week or month before or after it."""

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


@dataclass(frozen=True)
class Reading:
    """How to read a time column.

    value: expression of int64 microseconds (row numbers as they are): instants in UTC where the
    zone is known, otherwise wall times. is_wall: it is still the wall time of `zone`, to be
    converted. Steps of a day and longer are counted in `zone`.
    """

    value: pl.Expr
    form: Form
    zone: str | None = None
    is_wall: bool = False
    notes: tuple[Finding, ...] = ()


def read_stamps(
    source: Source,
    names: tuple[str, ...],
    config: DataConfig,
    like: Form | None = None,
    zone: str | None = None,
) -> Reading:
    """Decide how to read a time column, or a date column with a column of clock times.

    like, zone: format and zone of a run that the data continues; they resolve ambiguity. Raises
    `DataError` for mixed or ambiguous formats.
    """
    if config.timezone is not None:
        check_zone(config.timezone)
    if len(names) > 1:
        text = pl.concat_str([_as_text(source, name) for name in names], separator="\t")
        return _text_reading(source, names, text, config, like, zone)
    name = names[0]
    dtype = source.types[name]
    column = pl.col(name)
    if dtype == pl.Date:
        return _wall(column.cast(pl.Datetime("us")).cast(pl.Int64), Form("date"), config)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        instant = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        form = Form("datetime", zone=str(dtype.time_zone))
        value = instant.cast(pl.Datetime("us")).cast(pl.Int64)
        return Reading(value, form, config.timezone or form.zone)
    if isinstance(dtype, pl.Datetime):
        return _wall(column.cast(pl.Datetime("us")).cast(pl.Int64), Form("datetime"), config)
    if dtype.is_numeric():
        return _number_reading(source, name, column.cast(pl.Float64), config)
    if dtype != pl.String:
        raise DataError(f"{source.name}: time column {name!r} holds {dtype}; timestamps are needed")
    text = text_cells(name)
    sample = _cells(source, text)
    if config.time_format is None and sample.len() and _is_number(sample):
        return _number_reading(source, name, text.cast(pl.Float64, strict=False), config)
    return _text_reading(source, names, text, config, like, zone)


def refuse_bad_stamps(source: Source, names: tuple[str, ...], reading: Reading) -> None:
    """Raise `DataError` for the first row whose timestamp is missing or invalid."""
    bad = (
        source.lazy.select(*names, __value=reading.value)
        .with_row_index("__row")
        .filter(pl.col("__value").is_null())
        .head(1)
        .collect()
    )
    if bad.height:
        cells = [bad[name][0] for name in names]
        shown = " ".join(str(cell) for cell in cells if cell is not None)[:40]
        what = "is missing" if None in cells else f"{shown!r} does not read like the rest"
        raise DataError(
            f"{source.name}: {source.row(int(bad['__row'][0]))}, {called(names)}: the timestamp "
            f"{what}; correct or remove the row"
        )


def called(names: tuple[str, ...]) -> str:
    """Return the name of the time column, or of the two, in messages."""
    return f"column{'s' if len(names) > 1 else ''} {' and '.join(map(repr, names))}"


def looks_like_time(source: Source, name: str, config: DataConfig) -> bool:
    """Whether a column's first cells are dates (plain integers do not count)."""
    dtype = source.types[name]
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return True
    if dtype != pl.String:
        return False
    sample = source.first_texts(name)
    return bool(sample.len() and not _is_number(sample) and _fitting(sample, config))


def resembles_time(source: Source, name: str) -> str | None:
    """Return the first cell of a text column that looks like dates of any format; otherwise None.

    Where `looks_like_time` is false for it, nothing can read it, which has to be reported.
    """
    if source.types[name] != pl.String:
        return None
    cells = source.first_texts(name).head(20).to_list()
    is_alike = len(set(cells)) > 1 and all(_DATE_LIKE.fullmatch(cell) for cell in cells)
    is_name = len({cell.rstrip("0123456789") for cell in cells}) == 1  # such as shop 17, shop 18
    is_name &= not any(_YEAR.search(cell) for cell in cells)
    return str(cells[0]) if is_alike and not is_name else None


def find_clock(source: Source, date: str, free: list[str], config: DataConfig) -> str | None:
    """Return the column with the time of day for a date column, by name and content, or None.

    The dates must have no time of day of their own, and repeat.
    """
    dtype = source.types[date]
    sample = _cells(source, _as_text(source, date))
    if dtype != pl.Date and (dtype != pl.String or _is_number(sample)):
        return None
    is_date = dtype == pl.Date or not any(has_clock(form) for form in _fitting(sample, config))
    if not is_date or sample.n_unique() == sample.len():
        return None
    named = (name for name in free if name.strip().casefold() in _CLOCK_NAMES and name != date)
    return next((name for name in named if _is_clock(source, name)), None)


def _is_clock(source: Source, name: str) -> bool:
    dtype = source.types[name]
    cells = _cells(source, _as_text(source, name))
    if dtype == pl.Time:
        return True
    if not cells.len() or not bool(cells.str.contains(_CLOCK_CELL).all()):
        return False
    hours = cells.cast(pl.Int64, strict=False)
    return hours.null_count() == hours.len() or bool((hours.drop_nulls() < 24).all())


def _as_text(source: Source, name: str) -> pl.Expr:
    """Return an expression: cells of a date or clock column as text."""
    dtype = source.types[name]
    if dtype == pl.String:
        return text_cells(name)
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.to_string("%Y-%m-%d")
    if dtype.is_numeric():
        return pl.col(name).cast(pl.Int64, strict=False).cast(pl.String)
    return pl.col(name).cast(pl.String)


def _cells(source: Source, text: pl.Expr) -> pl.Series:
    return source.sample.select(text).to_series().drop_nulls()


def _is_number(sample: pl.Series) -> bool:
    return sample.cast(pl.Float64, strict=False).null_count() == 0


def _wall(value: pl.Expr, form: Form, config: DataConfig) -> Reading:
    """Read timestamps without an offset, in the zone that is set, if any."""
    zone = config.timezone
    return Reading(value, replace(form, zone=zone), zone, is_wall=zone is not None)


def _text_reading(
    source: Source,
    names: tuple[str, ...],
    text: pl.Expr,
    config: DataConfig,
    like: Form | None,
    zone: str | None,
) -> Reading:
    sample = _cells(source, text)
    forms = _fitting(sample, config)
    column = called(names)
    if not forms:
        shown = str(sample[0]).replace("\t", " ") if sample.len() else "nothing"
        _refuse_mixed(source, column, sample, config)
        raise DataError(
            f"{source.name}: {column}: {shown!r} does not read as a timestamp; name another "
            "column with --time, or say how to read it, for example "
            "--set data.time_format='%d.%m.%Y %H:%M'"
        )
    pattern = _settled(source, column, text, sample, forms, like)
    notes = []
    if has_short_year(pattern):
        notes.append(
            Finding(
                "short-years",
                "note",
                f"the years in {column} have two digits; 00 to 69 are read as 2000 to 2069, "
                "70 to 99 as 1970 to 1999",
            )
        )
    if len(names) > 1:
        notes.append(Finding("joined-time", "note", f"the time is read from {column} together"))
    form = Form("datetime" if has_clock(pattern) else "date", "text", as_written(sample, pattern))
    value = parse(text, pattern).cast(pl.Int64)
    if not has_offset(pattern):
        reading = _wall(value, form, config)
        return replace(reading, notes=tuple(notes))
    return _offset_reading(source, column, value, text, form, config, zone, notes)


def _refuse_mixed(source: Source, column: str, sample: pl.Series, config: DataConfig) -> None:
    """Raise `DataError` if a cell after the first is not a timestamp or has another format."""
    forms = _fitting(sample.head(1), config)
    others = [sample.filter(_parsed(sample, form).is_null()) for form in forms]
    if forms:
        other = max(others, key=len)[0]
        raise DataError(
            f"{source.name}: {column}: {str(other)[:40]!r} does not read like {str(sample[0])!r}; "
            "write all timestamps in one form, or name another column with --time"
        )


def _fitting(sample: pl.Series, config: DataConfig) -> list[str]:
    """Return patterns that read all of the first cells and nearly all of the sample."""
    first = sample.head(5)
    if not first.len():
        return []
    limit = 0.02 * sample.len()
    groups = [[config.time_format]] if config.time_format else candidates(first.to_list())
    for group in groups:
        fits = [form for form in group if _parsed(first, form).null_count() == 0]
        fits = [form for form in fits if _parsed(sample, form).null_count() <= limit]
        if fits:
            return fits
    return []


def _parsed(sample: pl.Series, pattern: str) -> pl.Series:
    return sample.to_frame("text").select(parse(pl.col("text"), pattern))["text"]


def _settled(
    source: Source,
    column: str,
    text: pl.Expr,
    sample: pl.Series,
    forms: list[str],
    like: Form | None,
) -> str:
    """Return the pattern that reads most of the column.

    Raises `DataError` if several read it differently. A single 13/01 tells the day from the month
    for all other rows.
    """
    if len({tuple(_parsed(sample, form).to_list()) for form in forms}) == 1:
        return forms[0]
    found = source.lazy.select(
        parse(text, form).is_null().sum().alias(str(place)) for place, form in enumerate(forms)
    ).collect(engine="streaming")
    lost = found.row(0)
    left = [form for form, count in zip(forms, lost, strict=True) if count == min(lost)]
    if len(left) == 1:
        return left[0]
    if like is not None and readable(like.pattern) in left:
        return readable(like.pattern)
    shown = str(sample[0]).replace("\t", " ")
    raise DataError(
        f"{source.name}: {column}: {shown!r} can be read as {left[0]!r} or as "
        f"{left[1]!r}; choose with --set data.time_format='{left[0]}'"
    )


def _offset_reading(
    source: Source,
    column: str,
    value: pl.Expr,
    text: pl.Expr,
    form: Form,
    config: DataConfig,
    zone: str | None,
    notes: list[Finding],
) -> Reading:
    """Read timestamps with an offset, and decide in which zone their calendar days are counted."""
    known = source.lazy.select(at=value, offset=offset_of(text)).unique().drop_nulls().collect()
    at, offset = known["at"].to_numpy(), known["offset"].to_numpy()
    several = np.unique(offset)
    preferred = tuple(name for name in (config.timezone, zone) if name is not None)
    own: str | None = "UTC"
    if several.size > 1 or not form.pattern.endswith("Z"):
        own = recognise(at, offset, preferred + (LIKELY if several.size > 1 else ()))
    if own is None and several.size == 1:
        own = offset_name(int(several[0]) // _MINUTE)
    elif own is None:
        own = config.timezone or "UTC"
        shown = ", ".join(offset_name(int(one) // _MINUTE) for one in several[:4])
        notes.append(
            Finding(
                "zone",
                "warning",
                f"the offsets in {column} ({shown}) change as in no zone known here; "
                f"days are counted, and timestamps written, in {own}",
                fix="name the zone with --set data.timezone=…",
            )
        )
    elif several.size > 1 and own not in preferred:
        notes.append(
            Finding(
                "zone",
                "note",
                f"the offsets in {column} change as the clocks in {own} do; days are counted there",
                fix="name another zone with --set data.timezone=…",
            )
        )
    if form.pattern.endswith("Z") and several.size > 1:
        form = replace(form, pattern=form.pattern[:-1] + "%:z")
    return Reading(value, replace(form, zone=own), config.timezone or own, notes=tuple(notes))


def _number_reading(source: Source, name: str, number: pl.Expr, config: DataConfig) -> Reading:
    """Read numbers: as rows, unless they all look like years, YYYYMM, YYYYMMDD or Unix time."""
    found = source.lazy.select(n=number.fill_nan(None)).collect(engine="streaming")["n"]
    sample = found.head(source.sample.height).drop_nulls()
    whole = number.cast(pl.Int64, strict=False)
    if not sample.len():
        return Reading(whole, Form("integer", "number"))
    far = found.filter(found.abs() > _FARTHEST)
    if far.len():
        raise DataError(
            f"{source.name}: time column {name!r} holds {far[0]:g}, which is no time and no row "
            "number; correct it, or name another column with --time"
        )
    low, high = _bounds(sample)
    pattern = _digits(sample.cast(pl.Int64), low, high)
    for per, unit in _UNIX:
        if pattern is None and unit // 2 <= low and high <= unit * 4:
            value = (number * per).round().cast(pl.Int64, strict=False)
            zone = config.timezone
            form = Form("datetime", "number", per=per, zone=zone and "UTC")
            return Reading(value, form, zone)
    odd = found.filter(found % 1 != 0)
    if odd.len():
        raise DataError(
            f"{source.name}: time column {name!r} holds {odd[0]:g}, which is neither a date, a "
            "Unix time nor a row number; name another column with --time"
        )
    pattern = pattern or _calendar_number(name, found.drop_nulls().cast(pl.Int64), sample)
    if pattern is None:
        return Reading(whole, Form("integer", "number"))
    form = Form("datetime" if has_clock(pattern) else "date", "number", pattern)
    return _wall(_parse_digits(whole.cast(pl.String), pattern).cast(pl.Int64), form, config)


def _bounds(numbers: pl.Series) -> tuple[int, int]:
    values = numbers.to_numpy()
    return int(values.min()), int(values.max())


def _digits(sample: pl.Series, low: int, high: int) -> str | None:
    """Return the pattern of digits, such as 20240131, by which all numbers are dates, or None."""
    pattern = _DIGITS.get(len(str(low)))
    if pattern is None or len(str(high)) != len(str(low)):
        return None
    if not 1500 <= int(str(low)[:4]) <= int(str(high)[:4]) <= 2200:
        return None
    return None if _parsed(sample.cast(pl.String), pattern).null_count() else pattern


def _calendar_number(name: str, column: pl.Series, sample: pl.Series) -> str | None:
    """Return the pattern if whole numbers are years, months (202401) or weeks (202453)."""
    low, high = _bounds(sample)
    if low >= 1500 and high <= 2200:
        is_year = "year" in name.casefold() or sample.n_unique() == sample.len()
        return "%Y" if is_year else None
    part = sample.cast(pl.Int64) % 100
    if low < 150_001 or high > 220_053 or not bool(part.is_between(1, 53).all()):
        return None
    is_week = bool((column % 100 > 12).any()) or any(word in name.casefold() for word in _WEEK)
    return "%G%V" if is_week else "%Y%m"


def _parse_digits(text: pl.Expr, pattern: str) -> pl.Expr:
    """Parse digits by a pattern, with separators so that the parser finds the year's end."""
    year, rest = text.str.slice(0, 4), text.str.slice(4)
    if pattern == "%Y":
        return parse(text + pl.lit("-01"), "%Y-%m")
    if pattern == "%Y%m":
        return parse(year + pl.lit("-") + rest, "%Y-%m")
    if pattern == "%G%V":
        return parse(year + pl.lit("-W") + rest, "%G-W%V")
    return parse(text, pattern)

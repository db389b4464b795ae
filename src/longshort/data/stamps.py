"""Time cells into timestamps; a cell that does not read like the rest is named by row and value."""

from __future__ import annotations

from typing import Literal

import polars as pl

from longshort.config import DataConfig
from longshort.data.columns import text_cells
from longshort.data.sources import Source
from longshort.errors import DataError

Kind = Literal["datetime", "date", "integer"]

_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d", "%d-%m-%Y")
_TIMES = ("%H:%M:%S%.f", "%H:%M")
_MONTHS = ("%Y-%m", "%Y/%m")
_QUARTERS = "quarter"
_FORMATS = (
    *_DATES,
    *_MONTHS,
    _QUARTERS,
    *(f"{date} {time}" for date in _DATES for time in _TIMES),
    *(f"%Y-%m-%dT{time}" for time in _TIMES),
    *(f"%Y-%m-%d{mark}%H:%M:%S%.f%#z" for mark in (" ", "T")),
)


def stamp(source: Source, name: str, config: DataConfig) -> tuple[pl.Expr, Kind]:
    """Expression that reads a column as int64 microseconds (or integers), and what it holds."""
    dtype = source.sample.schema[name]
    column = pl.col(name)
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us")).cast(pl.Int64), "date"
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us")).cast(pl.Int64), "datetime"
    if dtype.is_integer() or dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        return _integer_stamp(name, whole, _samples(source, name).cast(pl.Int64, strict=False))
    if dtype != pl.String:
        raise DataError(f"{source.name}: time column {name!r} holds {dtype}; timestamps are needed")
    return _text_stamp(source, name, config)


def refuse_bad_stamps(source: Source, name: str, config: DataConfig) -> None:
    """Raise for the first row whose timestamp is missing or does not parse."""
    expression, _ = stamp(source, name, config)
    bad = (
        source.lazy.select(pl.col(name), value=expression)
        .with_row_index("row")
        .filter(pl.col("value").is_null())
        .head(1)
        .collect()
    )
    if bad.height:
        value = bad[name][0]
        what = "is missing" if value is None else f"{str(value)[:40]!r} does not read like the rest"
        raise DataError(
            f"{source.name}: {source.row(int(bad['row'][0]))}, column {name!r}: the timestamp "
            f"{what}; correct or remove the row"
        )


def looks_like_time(source: Source, name: str, config: DataConfig) -> bool:
    """Whether a column's first cells read as dates (plain integers do not count)."""
    dtype = source.sample.schema[name]
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return True
    if dtype != pl.String:
        return False
    sample = _samples(source, name)
    if sample.len() == 0 or sample.cast(pl.Float64, strict=False).null_count() == 0:
        return False
    return bool(_formats_that_fit(sample, config))


def _samples(source: Source, name: str) -> pl.Series:
    if source.sample.schema[name] == pl.String:
        return source.sample.select(text_cells(name)).to_series().drop_nulls()
    return source.sample[name].drop_nulls()


def _text_stamp(source: Source, name: str, config: DataConfig) -> tuple[pl.Expr, Kind]:
    sample = _samples(source, name)
    text = text_cells(name)
    whole = sample.cast(pl.Int64, strict=False)
    if config.time_format is None and whole.null_count() == 0 and sample.len():
        return _integer_stamp(name, text.cast(pl.Int64, strict=False), whole)
    formats = _formats_that_fit(sample, config)
    if not formats:
        shown = sample[0] if sample.len() else "nothing"
        raise DataError(
            f"{source.name}: column {name!r}: {shown!r} does not read as a timestamp; name another "
            "column with --time, or say how to read it, for example "
            "--set data.time_format='%d.%m.%Y %H:%M'"
        )
    readings = {tuple(_parse(sample, form).to_list()) for form in formats}
    if len(readings) > 1:
        raise DataError(
            f"{source.name}: column {name!r}: {sample[0]!r} can be read as {formats[0]!r} or as "
            f"{formats[1]!r}; choose with --set data.time_format='{formats[0]}'"
        )
    form = formats[0]
    parsed = _parse_expr(text, form).cast(pl.Int64)
    return parsed, "datetime" if _has_clock(form) else "date"


def _integer_stamp(name: str, value: pl.Expr, sample: pl.Series) -> tuple[pl.Expr, Kind]:
    """Plain integers are row numbers unless they all look like years, YYYYMMDD or Unix time."""
    known = sample.drop_nulls()
    if not known.len():
        return value, "integer"
    bounds = known.to_numpy()
    low, high = int(bounds.min()), int(bounds.max())
    are_years = "year" in name.casefold() or known.n_unique() == known.len()
    if low >= 1500 and high <= 2200 and are_years:
        return pl.datetime(value, 1, 1, time_unit="us").cast(pl.Int64), "date"
    if low >= 15_000_101 and high <= 22_001_231:
        days = known.cast(pl.String).str.to_date("%Y%m%d", strict=False)
        if not days.null_count():
            return _parse_expr(value.cast(pl.String), "%Y%m%d").cast(pl.Int64), "date"
    if low >= 150_001 and high <= 220_012 and bool((known % 100).is_between(1, 12).all()):
        return pl.datetime(value // 100, value % 100, 1, time_unit="us").cast(pl.Int64), "date"
    for scale, unit in ((1_000_000, 10**9), (1_000, 10**12), (1, 10**15)):
        if unit // 2 <= low and high <= unit * 4:
            return value * scale, "datetime"
    return value, "integer"


def _formats_that_fit(sample: pl.Series, config: DataConfig) -> list[str]:
    candidates = (config.time_format,) if config.time_format else _FORMATS
    first = sample.head(5)
    likely = [f for f in candidates if _parse(first, f).null_count() == 0 and first.len()]
    limit = 0.02 * sample.len()
    return [form for form in likely if _parse(sample, form).null_count() <= limit]


def _parse(sample: pl.Series, form: str) -> pl.Series:
    return sample.to_frame("text").select(_parse_expr(pl.col("text"), form))["text"]


def _parse_expr(text: pl.Expr, form: str) -> pl.Expr:
    if "%z" in form or "%#z" in form or "%:z" in form:
        zoned = text.str.to_datetime(form, time_unit="us", strict=False, time_zone="UTC")
        return zoned.dt.replace_time_zone(None)
    if form in _MONTHS:
        return _parse_expr(text + form[2] + "01", form + form[2] + "%d")
    if form == _QUARTERS:
        year, quarter = (
            text.str.extract(r"^(\d{4})[- ]?Q([1-4])$", i).cast(pl.Int64) for i in (1, 2)
        )
        return pl.datetime(year, quarter * 3 - 2, 1, time_unit="us")
    if _has_clock(form):
        return text.str.to_datetime(form, time_unit="us", strict=False)
    return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _has_clock(form: str) -> bool:
    return any(mark in form for mark in ("%H", "%I", "%T", "%R", "%M", "%X", "%c", "%r", "%s"))

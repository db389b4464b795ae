"""Plain numbers that are times: detected by their sequence and by the column's name."""

from __future__ import annotations

import re

from longshort.data.sources import Source
from longshort.lazy import polars as pl

_DAY = r"(?:1[5-9]|2[01])\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DAYS = rf"^{_DAY}(?:(?:[01]\d|2[0-3])(?:[0-5]\d){{0,2}})?$"
"""Days such as 20240131, optionally with hour, minute and second."""
_MONTHS = r"^(?:1[5-9]|2[01])\d{2}(?:0[1-9]|1[0-2])$"
_WEEKS = r"^(?:1[5-9]|2[01])\d{2}(?:0[1-9]|[1-4]\d|5[0-3])$"
_UNIX = ((10**9 // 2, 4 * 10**9), (10**12 // 2, 4 * 10**12), (10**15 // 2, 4 * 10**15))
"""Ranges of Unix times in seconds, milliseconds and microseconds, from 1985 to 2096."""
_LONGEST = 1e15
"""Larger than all days with hour, minute and second in their digits."""
_WEEK_NAMES = {"week", "wk", "kw", "woche", "semaine", "semana", "yearweek", "yyyyww"}
_MONTH_NAMES = {"month", "monat", "mois", "mes", "period", "yearmonth", "yyyymm"}
_UNIX_NAMES = {"ts", "unix", "epoch", "unixtime", "timestamp", "time", "utc"}
_FEWEST = 3
"""Number of different values that are needed."""


def spells_time(source: Source, name: str) -> bool:
    """Whether a numeric column counts as the time although nobody said so.

    Days such as 20240131 do by their digits. Months such as 202401, weeks such as 202453 and Unix
    times do if the column's name says so too; months and Unix times also if they are evenly spaced.
    """
    cells = source.sample[name]
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars().cast(pl.Float64, strict=False)
    elif not cells.dtype.is_numeric():
        return False
    numbers = cells.cast(pl.Float64).fill_nan(None).drop_nulls()
    if numbers.len() < source.sample.height or numbers.n_unique() < _FEWEST:
        return False
    words = set(re.findall(r"[a-z]+", name.casefold()))
    values = numbers.to_numpy()
    least, most = float(values.min()), float(values.max())
    if any(low <= least and most <= high for low, high in _UNIX):
        return bool(words & _UNIX_NAMES) or _is_even(numbers)
    if not bool((numbers % 1 == 0).all()) or not 0 < least <= most < _LONGEST:
        return False
    digits = numbers.cast(pl.Int64)
    text = digits.cast(pl.String)
    if bool(text.str.contains(_DAYS).all()):
        return True
    if bool(text.str.contains(_MONTHS).all()):
        count = digits // 100 * 12 + digits % 100
        return bool(words & (_MONTH_NAMES | _WEEK_NAMES)) or _is_even(count)
    return bool(text.str.contains(_WEEKS).all()) and bool(words & _WEEK_NAMES)


def _is_even(numbers: pl.Series) -> bool:
    """Whether the numbers ascend, mostly at the same distance."""
    steps = numbers.diff().drop_nulls()
    if not bool((steps > 0).all()):
        return False
    usual = steps.mode()[0]
    return int((steps == usual).sum()) * 2 >= steps.len()

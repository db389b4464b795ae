"""Single timestamps as text, without a table: what a step of a session reads and writes.

They are what `patterns.parse` reads from columns, and what columns of times write: directives of
strftime, with %q for a quarter and %.f for as many decimals as there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

from longshort.data.patterns import SHAPES
from longshort.data.zones import fixed_offset
from longshort.errors import DataError

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_DIRECTIVE = re.compile(r"(%\.\d?f|%[:#]?z|%-?[A-Za-z])")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_FIRST_OF_1900 = 70
"""Years of two digits from here on are of the last century, as chrono reads them."""


def read(text: str, pattern: str) -> int | None:
    """Return a text as microseconds since 1970; None if it has another format.

    It is an instant for a pattern with an offset, otherwise a wall time. Fields that the pattern
    lacks have their first value: the first day, Monday, minute 0.
    """
    match = _reader(pattern).fullmatch(text)
    if match is None:
        return None
    found = match.groupdict()
    try:
        day = _day(found)
        hour, microsecond = _hour(found), int((found.get("f") or ".0")[1:7].ljust(6, "0"))
        minute, second = int(found.get("M") or 0), int(found.get("S") or 0)
        moment = datetime(day.year, day.month, day.day, hour, minute, second, microsecond)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND - _offset(found.get("z"))


def write(stamp: int, pattern: str, zone: str | None = None) -> str:
    """Return microseconds since 1970 as text.

    zone: time zone in which the instant is written; the clock time is taken as it is when None.
    """
    try:
        moment = _EPOCH + stamp * _MICROSECOND
        if zone is not None:
            moment = moment.replace(tzinfo=UTC).astimezone(_zone(zone))
    except OverflowError:
        raise DataError("a time is outside of the years 1 to 9999") from None
    return _DIRECTIVE.sub(lambda match: _written(moment, match[0]), pattern)


def instant(wall: int, zone: str) -> int:
    """Return the instant of a wall time in a zone; of two the first.

    A wall time that a clock change skips is read as if the clocks had not been changed yet.
    """
    moment = (_EPOCH + wall * _MICROSECOND).replace(tzinfo=_zone(zone))
    offset = moment.utcoffset()
    assert offset is not None
    return wall - offset // _MICROSECOND


@cache
def _reader(pattern: str) -> re.Pattern[str]:
    is_dense = pattern.startswith("%Y%m%d")  # so that its months and days have two digits
    start = r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})" if is_dense else ""
    pieces = _DIRECTIVE.split(pattern.removeprefix("%Y%m%d") if is_dense else pattern)
    return re.compile(
        start + "".join(_shape(each) if each[:1] == "%" else re.escape(each) for each in pieces)
    )


def _shape(directive: str) -> str:
    if directive == "%.f":
        return r"(?P<f>\.\d+)?"
    if directive.endswith("z"):
        return r"(?P<z>Z|[+-]\d{2}(?::?\d{2})?)"
    return f"(?P<{directive[-1]}>{SHAPES[directive[-1]]})"


def _day(found: dict[str, str]) -> date:
    year = int(found.get("Y") or 0)
    if "y" in found:
        year = int(found["y"]) + (2000 if int(found["y"]) < _FIRST_OF_1900 else 1900)
    if "G" in found:
        return date.fromisocalendar(int(found["G"]), int(found["V"]), int(found.get("u") or 1))
    if "q" in found:
        return date(year, int(found["q"]) * 3 - 2, 1)
    named = found.get("B") or found.get("b")
    month = _month(named) if named else int(found.get("m") or 1)
    return date(year, month, int(found.get("d") or 1))


def _month(name: str) -> int:
    """Return the number of a month by its name, whole or its first three letters; else 0."""
    names = [each.lower() for each in _MONTHS]
    name = name.lower()
    return next((n for n, each in enumerate(names, 1) if name in (each, each[:3])), 0)


def _hour(found: dict[str, str]) -> int:
    if "I" not in found:
        return int(found.get("H") or 0)
    hour = int(found["I"])
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if (found.get("p") or "").lower() == "pm" else 0)


def _offset(text: str | None) -> int:
    """Return an offset from UTC in microseconds."""
    if not text or text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[3:].removeprefix(":") or 0)
    return (-minutes if text[0] == "-" else minutes) * 60_000_000


@cache
def _zone(name: str) -> timezone | ZoneInfo:
    fixed = fixed_offset(name)
    return ZoneInfo(name) if fixed is None else timezone(fixed * _MICROSECOND)


def _written(moment: datetime, directive: str) -> str:
    kind = directive[-1]
    if directive.startswith("%."):
        return _decimals(moment.microsecond, directive[2:-1])
    if kind == "z":
        return _written_offset(moment, ":" if directive == "%:z" else "")
    found = _FIELDS[kind](moment)
    if isinstance(found, str):
        return found
    value, digits = found
    return str(value) if directive.startswith("%-") else f"{value:0{digits}d}"


def _decimals(microsecond: int, digits: str) -> str:
    if digits:
        return f".{microsecond:06d}"[: int(digits) + 1]
    if not microsecond:
        return ""
    return f".{microsecond:06d}" if microsecond % 1000 else f".{microsecond // 1000:03d}"


def _written_offset(moment: datetime, mark: str) -> str:
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{mark}{rest:02d}"


_FIELDS: dict[str, Callable[[datetime], tuple[int, int] | str]] = {
    "Y": lambda m: (m.year, 4),
    "G": lambda m: (m.isocalendar().year, 4),
    "y": lambda m: (m.year % 100, 2),
    "m": lambda m: (m.month, 2),
    "d": lambda m: (m.day, 2),
    "H": lambda m: (m.hour, 2),
    "I": lambda m: ((m.hour - 1) % 12 + 1, 2),
    "M": lambda m: (m.minute, 2),
    "S": lambda m: (m.second, 2),
    "B": lambda m: _MONTHS[m.month - 1],
    "b": lambda m: _MONTHS[m.month - 1][:3],
    "p": lambda m: "AM" if m.hour < 12 else "PM",
    "P": lambda m: "am" if m.hour < 12 else "pm",
    "V": lambda m: (m.isocalendar().week, 2),
    "u": lambda m: (m.isoweekday(), 1),
    "q": lambda m: ((m.month + 2) // 3, 1),
}

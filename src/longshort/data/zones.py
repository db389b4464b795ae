"""Time zones: conversion of instants to wall times and back, also at clock changes.

An instant is int64 microseconds since 1970 in UTC; a wall time counts what a clock shows in the
same way. A zone is a name of the time zone database, or a fixed offset such as "+05:30".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.lazy import polars as pl

Ints = NDArray[np.int64]

_MINUTE = 60_000_000
_DAY = 24 * 60 * _MINUTE
_FARTHEST = 15 * 60
"""Largest offset of a zone from UTC, in minutes."""
_FIXED = re.compile(r"([+-])(\d{2}):?(\d{2})?")
LIKELY = (
    "Europe/Berlin",
    "America/New_York",
    "Europe/London",
    "Europe/Helsinki",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Santiago",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Asia/Jerusalem",
    "Africa/Cairo",
    "America/Halifax",
    "America/St_Johns",
    "America/Anchorage",
    "Atlantic/Azores",
    "Australia/Adelaide",
)
"""Zones with clock changes, one for each rule; where several fit, the first one is named."""


def offset_name(minutes: int) -> str:
    """Return a fixed offset in minutes as a zone: 330 is "+05:30"."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def fixed_offset(zone: str) -> int | None:
    """Return the microseconds by which a fixed offset is behind UTC; None for a named zone."""
    match = _FIXED.fullmatch(zone)
    if match is None:
        return None
    size = int(match[2]) * 60 + int(match[3] or 0)
    if size > _FARTHEST:
        return None
    return (-size if match[1] == "-" else size) * _MINUTE


def check_zone(zone: str) -> str:
    """Return the zone; raises `ConfigError` if there is none of that name."""
    if fixed_offset(zone) is None and not (zone and _is_known(zone)):
        raise ConfigError(
            f"data.timezone: {zone!r} is not a time zone; write a name such as 'Europe/Berlin' "
            "or 'UTC', or an offset such as '+01:00'"
        )
    return zone


def _is_known(zone: str) -> bool:
    try:
        to_wall(np.zeros(1, np.int64), zone)
    except pl.exceptions.ComputeError:
        return False
    return True


def to_wall(instants: Ints, zone: str) -> Ints:
    """Return the wall times of instants in a zone."""
    fixed = fixed_offset(zone)
    if fixed is not None:
        return instants + fixed
    moments = pl.Series(instants).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return _numbers(moments.dt.convert_time_zone(zone).dt.replace_time_zone(None))


def distinct(values: Ints) -> Ints:
    """Return each value once, sorted; `numpy.unique` hashes, and round numbers collide."""
    ordered = np.sort(values)
    return np.asarray(ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0])


def to_instants(wall: Ints, zone: str, late: NDArray[np.bool_] | None = None) -> Ints:
    """Return the instants of wall times; of two the first, or the second where `late`.

    A wall time that a clock change skips is read as if the clocks had not been changed yet.
    """
    fixed = fixed_offset(zone)
    if fixed is not None:
        return wall - fixed
    moments = pl.Series(wall).cast(pl.Datetime("us"))
    found = _numbers(_placed(moments, zone, "earliest"))
    if late is not None and late.any():
        found = np.where(late, _numbers(_placed(moments, zone, "latest")), found)
    absent = is_absent(wall, zone)
    if absent.any():
        found[absent] = to_instants(wall[absent] - _DAY, zone) + _DAY
    return found


def is_absent(wall: Ints, zone: str) -> NDArray[np.bool_]:
    """Return which wall times a clock change of the zone skips."""
    if fixed_offset(zone) is not None:
        return np.zeros(wall.shape, bool)
    moments = pl.Series(wall).cast(pl.Datetime("us"))
    return np.asarray(_placed(moments, zone, "earliest").is_null().to_numpy())


def is_twofold(wall: Ints, zone: str) -> NDArray[np.bool_]:
    """Return which wall times a clock change of the zone repeats."""
    if fixed_offset(zone) is not None:
        return np.zeros(wall.shape, bool)
    moments = pl.Series(wall).cast(pl.Datetime("us"))
    first, second = (_placed(moments, zone, which) for which in ("earliest", "latest"))
    return np.asarray((first != second).fill_null(value=False).to_numpy())


def _placed(moments: pl.Series, zone: str, which: str) -> pl.Series:
    ambiguous: Literal["earliest", "latest"] = "latest" if which == "latest" else "earliest"
    there = moments.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
    return there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _numbers(moments: pl.Series) -> Ints:
    return moments.cast(pl.Int64).fill_null(0).to_numpy().copy()


def recognise(instants: Ints, offsets: Ints, zones: tuple[str, ...]) -> str | None:
    """Return the first zone that is `offsets` behind UTC at each of these instants, or None."""
    order = np.argsort(instants, kind="stable")
    instants, offsets = instants[order], offsets[order]
    change = np.flatnonzero(np.diff(offsets))
    telling = np.unique(np.concatenate([change, change + 1, np.arange(0, len(order), 97)]))
    for zone in zones:
        if _agrees(instants[telling], offsets[telling], zone) and _agrees(instants, offsets, zone):
            return zone
    return None


def _agrees(instants: Ints, offsets: Ints, zone: str) -> bool:
    return bool(np.array_equal(to_wall(instants, zone) - instants, offsets))


@dataclass(frozen=True)
class Changes:
    """A time zone that wall times suggest, with the hours skipped and repeated."""

    zone: str
    absent: Ints
    twofold: Ints


def betrayed(wall: Ints, repeated: Ints, step: int) -> Changes | None:
    """Return the zone whose clock changes explain these wall times, `step` apart, or None.

    wall: the distinct times, sorted; repeated: those that a series has twice. A zone is likely if
    no skipped hour has a row, and if a skipped hour is missing in the data or a repeated hour
    occurs twice.
    """
    best: tuple[int, Changes] | None = None
    for zone in LIKELY:
        grid = _days_of_change(int(wall[0]), int(wall[-1]), zone, max(step, 15 * _MINUTE))
        absent = grid[is_absent(grid, zone)]
        if np.any(wall[np.searchsorted(wall, absent).clip(max=len(wall) - 1)] == absent):
            continue
        passed = absent[_has_neighbours(absent, wall)]
        twofold = repeated[is_twofold(repeated, zone)]
        weight = len(passed) + len(twofold)
        if weight and (best is None or weight > best[0]):
            best = weight, Changes(zone, passed, twofold)
    return best[1] if best else None


def _days_of_change(low: int, high: int, zone: str, step: int) -> Ints:
    """Return times `step` apart, `low` to `high`, of the days around the zone's clock changes."""
    days = np.arange(low - _DAY, high + 2 * _DAY, _DAY)
    changed = days[:-1][np.diff(to_wall(days, zone) - days) != 0]
    first = low + -(-(changed - _DAY - low) // step) * step
    times = (first[:, None] + np.arange(0, 3 * _DAY, step)).reshape(-1)
    return np.asarray(times[(times >= low) & (times <= high)])


def _has_neighbours(times: Ints, wall: Ints) -> NDArray[np.bool_]:
    """Return whether rows exist within an hour before and two hours after each time."""
    hour = 60 * _MINUTE
    before = np.searchsorted(wall, times) - np.searchsorted(wall, times - hour)
    after = np.searchsorted(wall, times + 2 * hour) - np.searchsorted(wall, times)
    return np.asarray((before > 0) & (after > 0))

"""The regular grid of timestamps: a step, its phase, and conversion to and from grid indices.

Timestamps are int64 microseconds since 1970, or plain integers ("rows"). With a time zone they are
instants in UTC; days, weeks and months are those of the zone's calendar, while hours and shorter
steps count absolute time. Without a zone they are wall times. A grid index is an int64; consecutive
steps have consecutive indices.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.forms import Form
from longshort.data.zones import Ints as Ints
from longshort.data.zones import to_instants, to_wall
from longshort.errors import ConfigError

SECOND = 1_000_000
DAY = 86_400 * SECOND
_FIXED = {
    "us": 1,
    "ms": 1000,
    "s": SECOND,
    "min": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": DAY,
    "w": 7 * DAY,
}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_USUAL = tuple(
    count * unit
    for unit, counts in (
        (SECOND, (1, 2, 5, 10, 15, 20, 30)),
        (60 * SECOND, (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
        (3600 * SECOND, (1, 2, 3, 4, 6, 8, 12)),
        (DAY, (1, 7)),
    )
    for count in counts
)
"""Usual steps in microseconds."""
_CLEAR = 0.5
_CLEAR_GRID = 0.95
"""Share of the timestamps that must lie on a grid."""
_LIKE = 0.05
"""Largest distance of the median gap from a usual step, as a share of the step."""
_ABOUT = 0.75
"""With median gaps below this share of a step, steps gather timestamps; else they are rounded."""
_PATTERN = re.compile(r"(\d*)\s*([a-zA-Z]+)")


@dataclass(frozen=True)
class Freq:
    """A regular step.

    unit "fixed": `step` microseconds, `anchor` is the phase. "month": `step` calendar months,
    `anchor` is the day of the month (31: its last day) and `phase` the month index modulo the step.
    "business": Monday to Friday, `anchor` microseconds into the day. "rows": integers, `step`
    apart, starting at `anchor`. zone: time zone of the calendar.
    """

    unit: Literal["fixed", "month", "business", "rows"]
    step: int = 1
    anchor: int = 0
    phase: int = 0
    zone: str | None = None

    def __str__(self) -> str:
        if self.unit == "business":
            return "B"
        if self.unit == "rows":
            return "rows" if self.step == 1 else f"{self.step}rows"
        table = _FIXED if self.unit == "fixed" else _MONTHS
        name, size = max(
            ((n, s) for n, s in table.items() if self.step % s == 0),
            key=lambda pair: pair[1],
            default=("us", 1),
        )
        return f"{self.step // size}{name}"

    @staticmethod
    def parse(text: str) -> Freq:
        """Parse '1h', '15min', '1d', 'B', '1w', '1mo', '1q', '1y' or 'rows'."""
        match = _PATTERN.fullmatch(text.strip())
        count = int(match.group(1) or 1) if match else 0
        unit = match.group(2) if match else ""
        if count > 0:
            if unit == "rows":
                return Freq("rows", count)
            if unit in ("B", "b") and count == 1:
                return Freq("business")
            if unit.lower() in _FIXED:
                return Freq("fixed", count * _FIXED[unit.lower()])
            if unit.lower() in _MONTHS:
                return Freq("month", count * _MONTHS[unit.lower()], anchor=1)
        raise ConfigError(
            f"data.freq: {text!r} is not a step; write for example '15min', '1h', '1d', 'B' "
            "(business days), '1w', '1mo', '1q', '1y' or 'rows'"
        )

    @property
    def is_calendar(self) -> bool:
        """Whether steps are counted in calendar days."""
        return self.unit in ("month", "business") or (self.unit == "fixed" and not self.step % DAY)

    def wall(self, stamps: Ints) -> Ints:
        """Return the wall times of timestamps."""
        return stamps if self.zone is None else to_wall(stamps, self.zone)

    def stamp(self, wall: Ints) -> Ints:
        """Return the timestamps of wall times."""
        return wall if self.zone is None else to_instants(wall, self.zone)

    def _counted(self, stamps: Ints) -> Ints:
        """Return timestamps in the time that steps are counted in, absolute or wall time."""
        return self.wall(stamps) if self.is_calendar else stamps

    def align(self, stamps: Ints, *, dense: bool = False) -> Freq:
        """Take the phase from data: where most of these timestamps lie, or about which they lie.

        Where each step gathers many that share no phase (`dense`), steps begin at 0.
        """
        if stamps.size == 0:
            return self
        times = self._counted(stamps)
        if self.unit == "business":
            return replace(self, anchor=_mode(times % DAY))
        if self.unit == "month":
            month, day = _month_and_day(times)
            return replace(self, anchor=_month_day(month, day), phase=_mode(month % self.step))
        phase = times % self.step
        anchor = _mode(phase)
        if self.unit == "fixed" and np.mean(phase == anchor) < _CLEAR:
            anchor = 0 if dense else _middle(phase, self.step)
        return replace(self, anchor=anchor)

    def to_index(self, stamps: Ints) -> Ints:
        """Return the grid index at or before each timestamp."""
        times = self._counted(stamps)
        if self.unit == "business":
            days = times.astype("datetime64[us]").astype("datetime64[D]")
            return np.asarray(
                np.busday_count(np.datetime64("1970-01-01"), np.busday_offset(days, 0, "backward")),
                dtype=np.int64,
            )
        if self.unit == "month":
            month, _ = _month_and_day(times)
            return np.asarray((month - self.phase) // self.step)
        return np.asarray((times - self.anchor) // self.step)

    def to_nearest(self, stamps: Ints) -> Ints:
        """Return grid indices of the nearest steps; calendar steps and rows are rounded down."""
        return self.to_index(stamps + self.step // 2 if self.unit == "fixed" else stamps)

    def to_stamps(self, index: Ints) -> Ints:
        """Return timestamps of grid indices."""
        times = self._times(index)
        return self.stamp(times) if self.is_calendar else times

    def to_wall(self, index: Ints) -> Ints:
        """Return wall times of grid indices."""
        times = self._times(index)
        return times if self.is_calendar else self.wall(times)

    def _times(self, index: Ints) -> Ints:
        if self.unit == "business":
            days = np.busday_offset(np.datetime64("1970-01-01"), index, roll="forward")
            return np.asarray(days.astype("datetime64[us]").astype(np.int64)) + self.anchor
        if self.unit == "month":
            month = index * self.step + self.phase
            day = np.minimum(self.anchor, _days_in_month(month))
            start = month.astype("datetime64[M]").astype("datetime64[D]")
            return np.asarray((start + (day - 1)).astype("datetime64[us]").astype(np.int64))
        return np.asarray(index * self.step + self.anchor)

    def off_grid(self, stamps: Ints) -> NDArray[np.bool_]:
        """Return which timestamps are off the grid (for months: not in a month of the grid)."""
        if self.unit == "month":
            month, _ = _month_and_day(self._counted(stamps))
            return np.asarray((month - self.phase) % self.step != 0)
        return np.asarray(self.to_stamps(self.to_index(stamps)) != stamps)

    def far_off(self, stamps: Ints) -> NDArray[np.bool_]:
        """Return which timestamps lie more than a quarter of a step from the nearest one."""
        if self.unit != "fixed":
            return self.off_grid(stamps)
        moved = np.abs(self.to_stamps(self.to_nearest(stamps)) - stamps)
        return np.asarray(moved * 4 > self.step)


@dataclass(frozen=True)
class TimeAxis:
    """The grid of a run, and the format of its timestamps."""

    freq: Freq
    form: Form


def infer_freq(series: list[Ints], is_integer: bool, zone: str | None = None) -> tuple[Freq, float]:
    """Return the most plausible grid of sorted timestamps, and the share of timestamps on it.

    If no grid fits exactly, timestamps within a quarter of a usual step count as on the grid, since
    clocks may be read by hand or over a network.
    """
    stamps = np.concatenate(series) if series else np.empty(0, np.int64)
    steps = _gaps(series)
    if steps.size == 0:
        day = Freq("fixed", DAY, zone=zone)
        return Freq("rows") if is_integer else day.align(stamps), 1.0
    if is_integer:
        freq = Freq("rows", _mode(steps)).align(stamps)
        return freq, 1.0 - float(np.mean(freq.off_grid(stamps)))
    days = series if zone is None else [to_wall(one, zone) for one in series]
    calendar = _infer_calendar(_gaps(days), np.concatenate(days), zone)
    freq = calendar or Freq("fixed", _fixed_step(steps), zone=zone).align(stamps)
    share = 1.0 - float(np.mean(freq.off_grid(stamps)))
    if share >= _CLEAR_GRID:
        return freq, share
    usual = _jittered(steps, stamps, zone)
    if usual is None:
        return freq, share
    return usual, 1.0 - float(np.mean(usual.far_off(stamps)))


def _gaps(series: list[Ints]) -> Ints:
    gaps = [np.diff(stamps) for stamps in series if stamps.size > 1]
    steps = np.concatenate(gaps) if gaps else np.empty(0, np.int64)
    return np.asarray(steps[steps > 0])


def is_dense(series: list[Ints], step: int) -> bool:
    """Whether timestamps are clearly denser than `step`, so that each step gathers several."""
    steps = _gaps(series)
    return bool(steps.size) and float(np.median(steps)) < _ABOUT * step


def _jittered(steps: Ints, stamps: Ints, zone: str | None) -> Freq | None:
    """Return a grid of a usual step near the median gap, if nearly all timestamps lie near it."""
    middle = float(np.median(steps))
    step = min(_USUAL, key=lambda usual: abs(usual - middle))
    if abs(step - middle) > _LIKE * step:
        return None
    freq = Freq("fixed", step, zone=zone).align(stamps)
    return freq if float(np.mean(freq.far_off(stamps))) <= 1.0 - _CLEAR_GRID else None


def _fixed_step(steps: Ints) -> int:
    """Return the commonest step, or its common divisor with nearly all others."""
    common = _mode(steps)
    divisor = common
    for step in np.unique(steps)[:1000]:
        candidate = math.gcd(divisor, int(step))
        if candidate * 4 >= common:
            divisor = candidate
    on_grid = float(np.mean(steps % common == 0))
    return common if on_grid > 0.9 else divisor


def _infer_calendar(steps: Ints, wall: Ints, zone: str | None) -> Freq | None:
    """Return a calendar grid, from the wall times and their gaps; None if none fits."""
    middle = float(np.median(steps))
    month, day = _month_and_day(wall)
    if middle >= 28 * DAY:
        anchor = _month_day(month, day)
        same_day = bool(np.all(day == np.minimum(anchor, _days_in_month(month))))
        jumps = np.diff(np.unique(month))
        if same_day and jumps.size:
            step = _mode(jumps)
            return Freq("month", step, anchor, _mode(month % step), zone)
        return None
    common = _mode(steps)
    if common % DAY or np.any(wall % DAY != wall[0] % DAY):
        return None
    weekday = (wall // DAY + 3) % 7
    spans_weeks = (wall.max() - wall.min()) // DAY >= 14
    if common == DAY and spans_weeks and not np.any(weekday >= 5) and np.any(steps == 3 * DAY):
        return Freq("business", anchor=int(wall[0] % DAY), zone=zone)
    if zone is None:
        return None
    step = _fixed_step(steps)
    return Freq("fixed", step, _mode(wall % step), zone=zone)


def _month_day(month: Ints, day: Ints) -> int:
    """Return the day of the month of monthly dates; 31 stands for the last day."""
    length = _days_in_month(month)
    if np.all(day == length):
        return 31
    last = int(day.max())
    return last if np.all(day == np.minimum(last, length)) else _mode(day)


def _middle(phase: Ints, step: int) -> int:
    """Return the centre of phases that scatter about a grid; 0 where they fill the step.

    It is rounded as far as the scatter allows.
    """
    angle = 2 * np.pi * phase / step
    mean = complex(np.mean(np.cos(angle)), np.mean(np.sin(angle)))
    if abs(mean) < _CLEAR:
        return 0
    centre = round(np.angle(mean) / (2 * np.pi) * step)
    away = (phase - centre + step // 2) % step - step // 2
    slack = float(np.quantile(np.abs(away), 0.95)) / 2
    rounded = (round(centre / unit) * unit for unit in (step, *reversed(_USUAL), SECOND))
    return next((one for one in rounded if abs(one - centre) <= slack), centre) % step


def _mode(values: NDArray[Any]) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _month_and_day(stamps: Ints) -> tuple[Ints, Ints]:
    """Return months since January 1970, and the day of the month from 1."""
    days = stamps.astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    return months.astype(np.int64), (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def _days_in_month(month: Ints) -> Ints:
    start = month.astype("datetime64[M]").astype("datetime64[D]")
    end = (month + 1).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray((end - start).astype(np.int64))


def seasons(freq: Freq) -> list[int]:
    """Return the usual season lengths in steps, the shortest first."""
    if freq.unit == "rows":
        return []
    if freq.unit == "business":
        return [5]
    if freq.unit == "month":
        return [12 // freq.step] if freq.step < 12 and 12 % freq.step == 0 else []
    found = [
        period // freq.step
        for period in (3600 * SECOND, DAY, 7 * DAY)
        if period % freq.step == 0 and period // freq.step > 1
    ]
    if DAY <= freq.step <= 31 * DAY:
        found.append(round(365.25 * DAY / freq.step))
    return found

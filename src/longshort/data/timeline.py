"""The regular grid that timestamps lie on: a step, its phase, and the way to and from it.

Timestamps are int64 microseconds since 1970 without a time zone, or plain integers ("rows").
A grid index is an int64; consecutive steps have consecutive indices.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError

Ints = NDArray[np.int64]

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
_PATTERN = re.compile(r"(\d*)\s*([a-zA-Z]+)")


@dataclass(frozen=True)
class Freq:
    """A regular step.

    unit "fixed": `step` microseconds, `anchor` is the phase; "month": `step` calendar months,
    `anchor` the day of the month (31: its last day) and `phase` the month index modulo the step;
    "business": Monday to Friday, `anchor` microseconds into
    the day; "rows": integers, `step` apart from `anchor` on.
    """

    unit: Literal["fixed", "month", "business", "rows"]
    step: int = 1
    anchor: int = 0
    phase: int = 0

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
        """Read '1h', '15min', '1d', 'B', '1w', '1mo', '1q', '1y' or 'rows'."""
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

    def align(self, stamps: Ints) -> Freq:
        """Take the phase from data: where most of these timestamps lie."""
        if stamps.size == 0:
            return self
        if self.unit == "business":
            return Freq("business", anchor=_mode(stamps % DAY))
        if self.unit == "month":
            month, day = _month_and_day(stamps)
            last = _days_in_month(month)
            anchor = 31 if bool(np.all(day == last)) else _mode(day)
            return Freq("month", self.step, anchor, _mode(month % self.step))
        return Freq(self.unit, self.step, _mode(stamps % self.step))

    def to_index(self, stamps: Ints) -> Ints:
        """Grid index at or before each timestamp."""
        if self.unit == "business":
            days = stamps.astype("datetime64[us]").astype("datetime64[D]")
            return np.asarray(
                np.busday_count(np.datetime64("1970-01-01"), np.busday_offset(days, 0, "backward")),
                dtype=np.int64,
            )
        if self.unit == "month":
            month, _ = _month_and_day(stamps)
            return np.asarray((month - self.phase) // self.step)
        return np.asarray((stamps - self.anchor) // self.step)

    def to_stamps(self, index: Ints) -> Ints:
        """Timestamps of grid indices."""
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
        """Which timestamps do not lie on the grid (for months: not in a month of the grid)."""
        if self.unit == "month":
            month, _ = _month_and_day(stamps)
            return np.asarray((month - self.phase) % self.step != 0)
        return np.asarray(self.to_stamps(self.to_index(stamps)) != stamps)


def infer_freq(series: list[Ints], is_integer: bool) -> tuple[Freq, float]:
    """Most plausible grid of sorted timestamps, and the share of timestamps that lie on it."""
    gaps = [np.diff(stamps) for stamps in series if stamps.size > 1]
    steps = np.concatenate(gaps) if gaps else np.empty(0, np.int64)
    steps = steps[steps > 0]
    stamps = np.concatenate(series) if series else np.empty(0, np.int64)
    if steps.size == 0:
        return Freq("rows") if is_integer else Freq("fixed", DAY).align(stamps), 1.0
    if is_integer:
        freq = Freq("rows", _mode(steps)).align(stamps)
    else:
        freq = _infer_calendar(steps, stamps) or Freq("fixed", _fixed_step(steps)).align(stamps)
    return freq, 1.0 - float(np.mean(freq.off_grid(stamps)))


def _fixed_step(steps: Ints) -> int:
    """The commonest step, or its common divisor with nearly all the others."""
    common = _mode(steps)
    divisor = common
    for step in np.unique(steps)[:1000]:
        candidate = math.gcd(divisor, int(step))
        if candidate * 4 >= common:
            divisor = candidate
    on_grid = float(np.mean(steps % common == 0))
    return common if on_grid > 0.9 else divisor


def _infer_calendar(steps: Ints, stamps: Ints) -> Freq | None:
    middle = float(np.median(steps))
    if middle >= 28 * DAY:
        month, day = _month_and_day(stamps)
        same_day = bool(np.all(day == day[0])) or bool(np.all(day == _days_in_month(month)))
        jumps = np.diff(np.unique(month))
        if same_day and jumps.size:
            return Freq("month", _mode(jumps)).align(stamps)
        return None
    if _mode(steps) != DAY or np.any(stamps % DAY != stamps[0] % DAY):
        return None
    weekday = (stamps // DAY + 3) % 7
    spans_weeks = (stamps.max() - stamps.min()) // DAY >= 14
    if spans_weeks and not np.any(weekday >= 5) and np.any(steps == 3 * DAY):
        return Freq("business").align(stamps)
    return None


def _mode(values: NDArray[Any]) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _month_and_day(stamps: Ints) -> tuple[Ints, Ints]:
    """Months since January 1970, and the day of the month from 1."""
    days = stamps.astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    return months.astype(np.int64), (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def _days_in_month(month: Ints) -> Ints:
    start = month.astype("datetime64[M]").astype("datetime64[D]")
    end = (month + 1).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray((end - start).astype(np.int64))


def format_stamps(stamps: Ints, kind: Literal["datetime", "date", "integer"]) -> list[str]:
    """Timestamps as the user writes them: ISO dates, ISO date and time, or integers."""
    if kind == "integer":
        return [str(value) for value in stamps.tolist()]
    unit: Literal["D", "s"] = "D" if kind == "date" else "s"
    text = np.datetime_as_string(stamps.astype("datetime64[us]"), unit=unit)
    return [value.replace("T", " ") for value in text.tolist()]


def seasons(freq: Freq) -> list[int]:
    """Season lengths in steps that are usual at this step, the shortest first."""
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

"""The wished rate of false alarms: "1/week" and the like, in alarms per step."""

from __future__ import annotations

import re

from longshort.data.calendar import step_length
from longshort.data.timeline import DAY, Freq
from longshort.errors import ConfigError

_SPANS = {"hour": DAY / 24, "day": DAY, "week": 7 * DAY, "month": 365.25 * DAY / 12,
          "year": 365.25 * DAY}  # fmt: skip
_FORM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+|[a-z]+?)s?\s*")
_FEWEST = 1000
"""Steps per week below which a week is too short for the usual wish."""


def usual_rate(freq: Freq) -> str:
    """Return the rate without a wish: one alarm a week, or one in 1,000 steps.

    The latter is for weeks of few steps, and for steps that are not times.
    """
    step = step_length(freq)
    return "1/week" if step and 7 * DAY / step >= _FEWEST else "1/1000"


def alarm_rate(text: str, freq: Freq) -> float:
    """Return false alarms per step from a text such as "1/week", "0.5/day" or "1/1000" (steps).

    Raises `ConfigError` for other texts, for spans of time on a grid of plain rows, and for more
    than one alarm in two steps.
    """
    found = _FORM.fullmatch(text.lower())
    span = found.group(2) if found else ""
    if found is None or not (span.isdigit() or span in _SPANS):
        raise ConfigError(
            f"alarm.false_alarms: {text!r} is no rate; write for example 1/week, 2/day, or 1/1000 "
            "for one in 1,000 steps"
        )
    step = step_length(freq)
    if not span.isdigit() and not step:
        raise ConfigError(
            f"alarm.false_alarms: {text!r} is a rate in time, and the data has no time column; "
            "write for example 1/1000 for one in 1,000 steps"
        )
    steps = float(span) if span.isdigit() else _SPANS[span] / step
    rate = float(found.group(1)) / steps if steps else 0.0
    if not 0.0 < rate <= 0.5:
        raise ConfigError(
            f"alarm.false_alarms: {text!r} is {rate:g} alarms a step of {freq}; it has to be above "
            "0 and at most one in two steps"
        )
    return rate

"""Calendar features: position in the day, week and year of local time, as sine and cosine.

They depend only on the timestamp, so they are known over the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from longshort.data.panel import Floats
from longshort.data.timeline import DAY, Freq, Ints

Period = Literal["day", "week", "year"]

_LENGTH: dict[Period, float] = {"day": DAY, "week": 7 * DAY, "year": 365.25 * DAY}
_HARMONICS: dict[Period, int] = {"day": 12, "week": 3, "year": 3}
JOINT = 4
"""Number of harmonics of the day that may differ between weekdays."""
_MONTH = _LENGTH["year"] / 12
_MONDAY = 3 * DAY
"""Shift that makes weeks begin on Monday: 1 January 1970 was a Thursday."""


def step_length(freq: Freq) -> float:
    """Return the mean length of a step in microseconds; 0 for plain rows."""
    if freq.unit == "rows":
        return 0.0
    if freq.unit == "month":
        return freq.step * _MONTH
    return 7 * DAY / 5 if freq.unit == "business" else float(freq.step)


def useful_periods(freq: Freq, steps: int, context: int) -> tuple[Period, ...]:
    """Return the periods that calendar features are useful for.

    A step resolves them, `steps` training steps contain them at least twice, and they are longer
    than the context, so that the lags alone do not show the position in the period.
    """
    step = step_length(freq)
    return tuple(
        name
        for name, length in _LENGTH.items()
        if step and length >= 2 * step and length > context * step and steps * step >= 2 * length
    )


def all_periods(freq: Freq, steps: int) -> tuple[Period, ...]:
    """Return the periods that a step resolves and `steps` training steps contain at least twice."""
    return useful_periods(freq, steps, context=0)


def calendar_waves(freq: Freq, index: Ints, periods: Sequence[Period]) -> Floats:
    """Return harmonics of each period at grid indices [n], as [n, waves].

    The day has up to twelve harmonics, the week three, the year three; where both day and week are
    given each weekday has its own daily shape. A linear map of them is a smooth profile by time of
    day, week and year.
    """
    waves = {name: _waves(freq, index, name) for name in periods}
    found = [np.empty((len(index), 0)), *waves.values()]
    if "day" in waves and "week" in waves:
        day, week = waves["day"][:, : 2 * JOINT], waves["week"]
        joint = day[:, :, None] * week[:, None, :]
        found.append(joint.reshape(len(index), day.shape[1] * week.shape[1]))
    return np.concatenate(found, axis=1)


def count_waves(freq: Freq, name: Period) -> int:
    """Return the number of harmonics of a period."""
    most = _HARMONICS[name] * (2 if name == "year" and freq.unit == "month" else 1)
    return max(1, min(int(_LENGTH[name] / step_length(freq)) // 2, most))


def _waves(freq: Freq, index: Ints, name: Period) -> Floats:
    count = count_waves(freq, name)
    clock = freq.to_wall(index).astype(np.float64) + _MONDAY
    angle = 2 * np.pi * (clock % _LENGTH[name]) / _LENGTH[name]
    angles = angle[:, None] * np.arange(1, count + 1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(index), 2 * count)


def calendar_features(freq: Freq, index: Ints, periods: Sequence[Period]) -> Floats:
    """Return sine and cosine of each period's phase at grid indices [n], as [n, 2 · periods]."""
    if not periods:
        return np.empty((len(index), 0))
    clock = freq.to_wall(index).astype(np.float64) + _MONDAY
    angles = [2 * np.pi * (clock % _LENGTH[name]) / _LENGTH[name] for name in periods]
    return np.stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)], axis=1)

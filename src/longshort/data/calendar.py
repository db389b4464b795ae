"""Calendar features: the local time in the day, the week and the year, as sine and cosine.

They depend on the timestamp alone, so they are known over the horizon.
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
_JOINT = 4
"""Harmonics of the day that differ between weekdays."""
_MONTH = _LENGTH["year"] / 12
_MONDAY = 3 * DAY
"""1 January 1970 was a Thursday; this shift makes weeks begin on Monday."""


def step_length(freq: Freq) -> float:
    """Microseconds of one step, on average; 0 for plain rows."""
    if freq.unit == "rows":
        return 0.0
    if freq.unit == "month":
        return freq.step * _MONTH
    return 7 * DAY / 5 if freq.unit == "business" else float(freq.step)


def useful_periods(freq: Freq, steps: int, context: int) -> tuple[Period, ...]:
    """Periods that a step resolves, that `steps` training steps show at least twice, and that are
    longer than the context, so that the lags alone do not tell where in the period one is."""
    step = step_length(freq)
    return tuple(
        name
        for name, length in _LENGTH.items()
        if step and length >= 2 * step and length > context * step and steps * step >= 2 * length
    )


def all_periods(freq: Freq, steps: int) -> tuple[Period, ...]:
    """Periods that a step resolves and that `steps` training steps show at least twice."""
    return useful_periods(freq, steps, context=0)


def calendar_waves(freq: Freq, index: Ints, periods: Sequence[Period]) -> Floats:
    """A profile over each period as waves, [n, waves]: enough of them for any usual shape.

    The day has up to twelve harmonics, the week three, and with both of them each weekday has a
    shape of its own; the year has three, of months six. A linear map of the waves is a smooth
    profile by time of day, of week and of year.
    """
    step = step_length(freq)
    waves = {name: _waves(freq, index, name, step) for name in periods}
    found = [np.empty((len(index), 0)), *waves.values()]
    if "day" in waves and "week" in waves:
        day, week = waves["day"][:, : 2 * _JOINT], waves["week"]
        joint = day[:, :, None] * week[:, None, :]
        found.append(joint.reshape(len(index), day.shape[1] * week.shape[1]))
    return np.concatenate(found, axis=1)


def _waves(freq: Freq, index: Ints, name: Period, step: float) -> Floats:
    most = _HARMONICS[name] * (2 if name == "year" and freq.unit == "month" else 1)
    count = max(1, min(int(_LENGTH[name] / step) // 2, most))
    clock = freq.to_wall(index).astype(np.float64) + _MONDAY
    angle = 2 * np.pi * (clock % _LENGTH[name]) / _LENGTH[name]
    angles = angle[:, None] * np.arange(1, count + 1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(index), 2 * count)


def calendar_features(freq: Freq, index: Ints, periods: Sequence[Period]) -> Floats:
    """Sine and cosine of the phase in each period at grid indices, [n, 2 · periods]."""
    if not periods:
        return np.empty((len(index), 0))
    clock = freq.to_wall(index).astype(np.float64) + _MONDAY
    angles = [2 * np.pi * (clock % _LENGTH[name]) / _LENGTH[name] for name in periods]
    return np.stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)], axis=1)

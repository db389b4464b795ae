"""Calendar features: where a timestamp lies in the day, the week and the year, as sine and cosine.

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


def calendar_features(freq: Freq, index: Ints, periods: Sequence[Period]) -> Floats:
    """Sine and cosine of the phase in each period at grid indices, [n, 2 · periods]."""
    if not periods:
        return np.empty((len(index), 0))
    stamps = freq.to_stamps(index).astype(np.float64) + _MONDAY
    angles = [2 * np.pi * (stamps % _LENGTH[name]) / _LENGTH[name] for name in periods]
    return np.stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)], axis=1)

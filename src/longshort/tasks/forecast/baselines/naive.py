"""Baselines without a fitted number: repeated values, and the straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longshort.data.calendar import step_length
from longshort.data.panel import Floats
from longshort.data.timeline import DAY, Freq
from longshort.tasks.forecast.baselines.contract import Asked, Baseline

LAST_VALUE = "last_value"
_PERIODS = (("naive_day", "the value of one day before", DAY),
            ("naive_week", "the value of one week before", 7 * DAY))  # fmt: skip

NAMES = {LAST_VALUE, "drift", "seasonal_naive", *(name for name, _, _ in _PERIODS)}


@dataclass(frozen=True)
class Repeated(Baseline):
    """The latest `lag` values, repeated; the last value where none is known that far back.

    With a lag of 1 the last value (persistence), with that of a season the seasonal naive forecast.
    """

    lag: int

    def forecast(self, asked: Asked) -> Floats:
        """The value `lag` steps before each step of the horizon, or a multiple of it."""
        step = np.arange(asked.horizon)
        back = self.lag - step % self.lag
        found = asked.before(np.broadcast_to(back, (len(asked.flat), asked.horizon)))
        return np.where(np.isnan(found), asked.before(np.ones((1, 1), np.int64)), found)


@dataclass(frozen=True)
class Drift(Baseline):
    """The straight line through the first and last value of the context."""

    context: int

    def forecast(self, asked: Asked) -> Floats:
        """Continue the line."""
        ends = np.array([[self.context, 1]])
        window = asked.before(np.broadcast_to(ends, (len(asked.flat), 2)))
        slope = (window[:, 1] - window[:, 0]) / max(1, self.context - 1)
        return window[:, 1:] + slope[:, None] * np.arange(1, asked.horizon + 1)


def naive_baselines(freq: Freq, season: int, context: int, rows: int) -> list[Baseline]:
    """Last value, drift, the season's naive forecast, and those of a day and a week.

    rows: training steps of the longest series; a period has to fit twice.
    """
    found: list[Baseline] = [
        Repeated(LAST_VALUE, "the last value", 1),
        Drift("drift", "the drift forecast", context),
    ]
    if season > 1:
        found.append(Repeated("seasonal_naive", "the seasonal naive forecast", season))
    step = step_length(freq)
    for name, title, length in _PERIODS:
        lag = round(length / step) if step else 0
        if lag > 1 and lag != season and lag * step == length and rows >= 2 * lag:
            found.append(Repeated(name, title, lag))
    return found

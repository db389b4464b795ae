"""Baselines without fitted numbers: repeated values, and the straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longshort.data.calendar import step_length
from longshort.data.panel import Floats
from longshort.data.timeline import DAY
from longshort.tasks.forecast.baselines.contract import Baseline
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.windows import Windows

LAST_VALUE = "last_value"
_PERIODS = (("naive_day", "the value of one day before", DAY),
            ("naive_week", "the value of one week before", 7 * DAY))  # fmt: skip

NAMES = {LAST_VALUE, "drift", "seasonal_naive", *(name for name, _, _ in _PERIODS)}


@dataclass(frozen=True)
class Repeated(Baseline):
    """The latest `lag` values, repeated; the last value where none is known that far back.

    With a lag of 1 it is the last value (persistence), with that of a season the seasonal naive
    forecast.
    """

    lag: int

    def forecast(self, windows: Windows) -> Floats:
        """Return the value `lag` steps, or a multiple of it, before each step of the horizon."""
        step = np.arange(windows.horizon)
        back = self.lag - step % self.lag
        found = windows.before(back)
        return np.where(np.isnan(found), windows.before(np.ones(1, np.int64)), found)


@dataclass(frozen=True)
class Drift(Baseline):
    """A straight line through the first and the last value of the context."""

    context: int

    def forecast(self, windows: Windows) -> Floats:
        """Continue the line."""
        window = windows.before(np.array([self.context, 1]))
        slope = (window[:, 1] - window[:, 0]) / max(1, self.context - 1)
        return window[:, 1:] + slope[:, None] * np.arange(1, windows.horizon + 1)


def naive_baselines(encoder: ForecastEncoder) -> list[Baseline]:
    """Return last value, drift, the season's naive forecast, and those of a day and a week.

    A day or a week has to fit twice into the longest series' training rows.
    """
    model, rows = encoder.config.model, int(encoder.rows.max())
    season = model.season or 1
    found: list[Baseline] = [
        Repeated(LAST_VALUE, "the last value", 1),
        Drift("drift", "the drift forecast", model.context_length or 1),
    ]
    if season > 1:
        found.append(Repeated("seasonal_naive", "the seasonal naive forecast", season))
    step = step_length(encoder.axis.freq)
    for name, title, length in _PERIODS:
        lag = round(length / step) if step else 0
        if lag > 1 and lag != season and lag * step == length and rows >= 2 * lag:
            found.append(Repeated(name, title, lag))
    return found

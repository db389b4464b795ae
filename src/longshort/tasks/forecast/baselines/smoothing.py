"""Exponential smoothing: the Theta method, and Croston's for demand that is mostly nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins
from longshort.tasks.forecast.baselines.contract import Arrays, Asked, Baseline, Seen

_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99)
_CROSTON_RATE = 0.1
_RARE = 0.3
"""Share of zeros from which demand is called intermittent."""


@dataclass(frozen=True)
class Theta(Baseline):
    """Seasonal profile, plus simple exponential smoothing with half the trend as drift.

    Assimakopoulos & Nikolopoulos (2000) in the form of Hyndman & Billah (2003). numbers [S, 2] are
    rate and slope of each series, profile [S, season] its seasonal part, z-scored.
    """

    numbers: Floats
    profile: Floats

    def forecast(self, asked: Asked) -> Floats:
        """From the level at the last value."""
        numbers = asked.of_series(self.numbers)
        rate, slope = numbers[:, :1], numbers[:, 1:]
        flat, panel = asked.flat, asked.panel
        level = self._levels(asked)[panel.offsets[flat.group] + flat.row - 1, flat.column][:, None]
        ahead = np.arange(asked.horizon) + 1 / rate
        season = asked.in_slots(self.profile, asked.index % self.profile.shape[1])
        return asked.unscaled(level + slope / 2 * ahead + season)

    def _levels(self, asked: Asked) -> Floats:
        """Smoothed values of all rows [N, K]; each series by its own rate."""
        panel, columns = asked.panel, asked.panel.target.shape[1]
        seen = Seen(asked.fitted, panel, 1)
        values = seen.zscored(panel.filled)
        series = Origins(
            np.repeat(np.arange(panel.num_groups), columns),
            np.tile(np.arange(columns), panel.num_groups),
            np.zeros(panel.num_groups * columns, np.int64),
        )
        every = replace(asked, origins=series, is_flat=True)
        numbers, profile = every.of_series(self.numbers), every.of_series(self.profile)
        found = np.empty_like(values)
        index = panel.index()
        for place, (group, column) in enumerate(zip(series.group, series.column, strict=True)):
            rows = slice(panel.offsets[group], panel.offsets[group + 1])
            plain = values[rows, column] - profile[place][index[rows] % profile.shape[1]]
            found[rows, column] = _smooth(plain, float(numbers[place, 0]))
        return found

    def arrays(self) -> Arrays:
        """Rates, slopes and profiles."""
        return {"numbers": self.numbers, "profile": self.profile}


def _smooth(values: Floats, rate: float) -> Floats:
    smoothed = pl.Series(values).fill_nan(None).ewm_mean(alpha=rate, adjust=False)
    return smoothed.fill_null(strategy="forward").fill_null(np.nan).to_numpy()


def theta_baseline(seen: Seen) -> Theta:
    """Rate by the least one-step error on the training rows, slope by least squares."""
    panel, season = seen.panel, max(1, seen.season)
    numbers, profiles = [], []
    filled = seen.zscored(panel.filled)
    index = panel.index()
    for group, count in enumerate(seen.fitted.rows.tolist()):
        rows = slice(int(panel.offsets[group]), int(panel.offsets[group]) + count)
        for column in range(filled.shape[1]):
            values = filled[rows, column]
            slope, profile = _trend_and_season(values, index[rows] % season, season)
            plain = values - profile[index[rows] % season]
            numbers.append((_best_rate(plain), slope))
            profiles.append(profile)
    return Theta("theta", "the Theta method", np.array(numbers, float), np.array(profiles, float))


def _trend_and_season(values: Floats, phase: Ints, season: int) -> tuple[float, Floats]:
    known = ~np.isnan(values)
    if known.sum() < 3:
        return 0.0, np.zeros(season)
    time = np.flatnonzero(known).astype(float)
    slope, level = np.polyfit(time, values[known], 1)
    rest = values[known] - slope * time - level
    own = phase[known]
    count = np.bincount(own, minlength=season)
    profile = np.bincount(own, rest, season) / np.maximum(count, 1)
    return float(slope), profile - profile.mean()


def _best_rate(values: Floats) -> float:
    if np.count_nonzero(~np.isnan(values)) < 3:
        return _RATES[-1]
    errors = [float(np.nanmean((values[1:] - _smooth(values, rate)[:-1]) ** 2)) for rate in _RATES]
    return _RATES[int(np.argmin(np.nan_to_num(errors, nan=np.inf)))]


@dataclass(frozen=True)
class Croston(Baseline):
    """Smoothed size of demand over its smoothed interval, less Croston's bias.

    Croston (1972), corrected by Syntetos & Boylan (2005).
    """

    def forecast(self, asked: Asked) -> Floats:
        """The same mean demand at every step."""
        flat, panel = asked.flat, asked.panel
        rate = _demand(panel)[panel.offsets[flat.group] + flat.row - 1, flat.column]
        return np.repeat(rate[:, None], asked.horizon, axis=1)


def _demand(panel: Panel) -> Floats:
    """Demand a step as it is estimated at every row, [N, K]; 0 before the first demand."""
    found = np.zeros((panel.num_rows, panel.target.shape[1]))
    group = np.repeat(np.arange(panel.num_groups), panel.lengths)
    row = np.arange(panel.num_rows) - np.repeat(panel.offsets[:-1], panel.lengths)
    for column in range(found.shape[1]):
        frame = pl.DataFrame({"group": group, "row": row, "y": panel.filled[:, column]})
        events = frame.filter(pl.col("y") > 0).with_columns(
            gap=pl.col("row").diff().over("group").fill_null(pl.col("row") + 1).cast(pl.Float64)
        )
        smoothed = events.select(
            "group",
            "row",
            *(
                pl.col(name).ewm_mean(alpha=_CROSTON_RATE, adjust=False).over("group")
                for name in ("y", "gap")
            ),
        ).with_columns(rate=(1 - _CROSTON_RATE / 2) * pl.col("y") / pl.col("gap"))
        joined = frame.select("group", "row").join(
            smoothed.select("group", "row", "rate"), on=["group", "row"], how="left",
            maintain_order="left",
        )  # fmt: skip
        known = joined.select(pl.col("rate").forward_fill().over("group").fill_null(0.0))
        found[:, column] = known.to_series().to_numpy()
    return found


def is_intermittent(seen: Seen) -> bool:
    """Whether the typical series is never below 0 and mostly nothing in training."""
    if not np.all(seen.fitted.lowest[~np.isnan(seen.fitted.lowest)] >= 0):
        return False
    values = np.where(seen.is_seen[:, None], seen.panel.target, np.nan)
    blocks = np.split(values, seen.panel.offsets[1:-1])
    shares = [np.mean(v[~np.isnan(v)] == 0) for b in blocks for v in b.T if (~np.isnan(v)).any()]
    return bool(shares) and float(np.median(shares)) >= _RARE


def croston_baseline() -> Croston:
    """It has one rate and no fitted number."""
    return Croston("croston", "Croston's method")

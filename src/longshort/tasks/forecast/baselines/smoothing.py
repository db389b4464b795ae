"""Exponential smoothing: the Theta method, and Croston's method for demand that is mostly zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.lazy import polars as pl
from longshort.tasks.forecast.baselines.contract import Arrays, Baseline, Seen
from longshort.tasks.forecast.windows import Windows

THETA, CROSTON = "theta", "croston"
_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99)
_CROSTON_RATE = 0.1
_RARE = 0.3
"""Share of zeros from which demand is taken to be intermittent."""


@dataclass(frozen=True)
class Theta(Baseline):
    """A seasonal profile, plus simple exponential smoothing with half the trend as drift.

    Assimakopoulos & Nikolopoulos (2000) in the form of Hyndman & Billah (2003). numbers [S, 2] are
    rate and slope of each series, profile [S, season] its seasonal part, z-scored.
    """

    numbers: Floats
    profile: Floats

    def forecast(self, windows: Windows) -> Floats:
        """Continue from the level at the last value."""
        numbers = windows.of_series(self.numbers)
        rate, slope = numbers[:, :1], numbers[:, 1:]
        flat, panel = windows.flat, windows.panel
        level = self._levels(windows)[panel.offsets[flat.group] + flat.row - 1, flat.column][
            :, None
        ]
        ahead = np.arange(windows.horizon) + 1 / rate
        season = windows.in_slots(self.profile, windows.index % self.profile.shape[1])
        return windows.unscaled(level + slope / 2 * ahead + season)

    def _levels(self, windows: Windows) -> Floats:
        """Return smoothed values of all rows, [N, K], each series by its own rate."""
        panel, encoder = windows.panel, windows.encoder
        groups, columns = panel.num_groups, panel.target.shape[1]
        values = encoder.zscore.apply_to(panel.filled, panel.lengths)
        group, column = np.repeat(np.arange(groups), columns), np.tile(np.arange(columns), groups)
        numbers = encoder.of_series(self.numbers, group, column)
        profile = encoder.of_series(self.profile, group, column)
        found = np.empty_like(values)
        index = panel.index()
        for place, (g, k) in enumerate(zip(group, column, strict=True)):
            rows = slice(panel.offsets[g], panel.offsets[g + 1])
            plain = values[rows, k] - profile[place][index[rows] % profile.shape[1]]
            found[rows, k] = _smooth(plain, float(numbers[place, 0]))
        return found


def _smooth(values: Floats, rate: float) -> Floats:
    smoothed = pl.Series(values).fill_nan(None).ewm_mean(alpha=rate, adjust=False)
    return smoothed.fill_null(strategy="forward").fill_null(np.nan).to_numpy()


def fit_theta(seen: Seen) -> Arrays:
    """Fit rate and slope of each series, and its seasonal profile.

    The rate has the least one-step error on the training rows, the slope is that of least squares.
    """
    panel, season = seen.panel, max(1, seen.season)
    numbers, profiles = [], []
    filled = seen.encoder.zscore.apply_to(panel.filled, panel.lengths)
    index = panel.index()
    for group, count in enumerate(seen.encoder.rows.tolist()):
        rows = slice(int(panel.offsets[group]), int(panel.offsets[group]) + count)
        for column in range(filled.shape[1]):
            values = filled[rows, column]
            slope, profile = _trend_and_season(values, index[rows] % season, season)
            plain = values - profile[index[rows] % season]
            numbers.append((_best_rate(plain), slope))
            profiles.append(profile)
    return {"numbers": np.array(numbers, float), "profile": np.array(profiles, float)}


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
    """Smoothed size of demand divided by its smoothed interval, less Croston's bias.

    Croston (1972), corrected by Syntetos & Boylan (2005).
    """

    def forecast(self, windows: Windows) -> Floats:
        """Return the same mean demand at every step."""
        flat, panel = windows.flat, windows.panel
        rate = _demand(panel)[panel.offsets[flat.group] + flat.row - 1, flat.column]
        return np.repeat(rate[:, None], windows.horizon, axis=1)


def _demand(panel: Panel) -> Floats:
    """Return the estimated demand per step at every row, [N, K]; 0 before the first demand."""
    found = np.zeros((panel.num_rows, panel.target.shape[1]))
    group = np.repeat(np.arange(panel.num_groups), panel.lengths)
    row = panel.position
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
    """Return whether the typical series is never below 0 and mostly zero in training."""
    lowest = seen.encoder.lowest
    if not np.all(lowest[~np.isnan(lowest)] >= 0):
        return False
    blocks = np.split(seen.target, seen.panel.offsets[1:-1])
    shares = [np.mean(v[~np.isnan(v)] == 0) for b in blocks for v in b.T if (~np.isnan(v)).any()]
    return bool(shares) and float(np.median(shares)) >= _RARE


def smoothing_baselines(kept: Mapping[str, Arrays]) -> list[Baseline]:
    """Return the two methods, as far as they were fitted."""
    found: list[Baseline] = []
    if THETA in kept:
        numbers, profile = kept[THETA]["numbers"], kept[THETA]["profile"]
        found.append(Theta(THETA, "the Theta method", numbers, profile))
    if CROSTON in kept:
        found.append(Croston(CROSTON, "Croston's method"))
    return found

"""Constants, and means and medians by time of day, week and year; by series, z-scored.

They do not use the lags, so a network's gain over them comes from the lags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longshort.data.calendar import step_length
from longshort.data.panel import Floats
from longshort.data.timeline import DAY, Freq, Ints
from longshort.lazy import polars as pl
from longshort.tasks.forecast.baselines.contract import Arrays, Baseline, Seen
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.windows import Windows

CONSTANTS = {"mean": "the mean", "median": "the median"}
_KINDS = {
    "day": "time of day",
    "week": "time of week",
    "year": "time of year",
    "season": "phase of the season",
}
NAMES = {*CONSTANTS, *(f"{kind}_{name}" for kind in _KINDS for name in CONSTANTS)}
_MONDAY = 3 * DAY
_MOST_SLOTS, _MOST_NUMBERS = 10_080, 4_000_000


@dataclass(frozen=True)
class Profile(Baseline):
    """A table [S, P] with a number per series and slot of a period; a single slot is a constant."""

    kind: str
    freq: Freq
    season: int
    table: Floats

    def forecast(self, windows: Windows) -> Floats:
        """Return the numbers in the slots of the horizon."""
        slot = slots(self.kind, self.freq, self.season, windows.index)
        # A new series has the mean of all, in its own scale.
        return windows.unscaled(windows.in_slots(self.table, slot))


def slots(kind: str, freq: Freq, season: int, index: Ints) -> Ints:
    """Return the slot of the period in which each grid index lies."""
    if kind == "constant":
        return np.zeros_like(index)
    if kind == "season":
        return np.asarray(index % season)
    if freq.unit == "month":
        return np.asarray((index * freq.step + freq.phase) % 12 // freq.step)
    stamps = freq.to_wall(index.reshape(-1)).reshape(index.shape) + _MONDAY
    if kind == "year":
        days = (stamps - _MONDAY).astype("datetime64[us]").astype("datetime64[D]")
        day = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
        return np.asarray(np.minimum(day // 7, 51))
    step = DAY if freq.unit == "business" else freq.step
    return np.asarray(stamps % (DAY if kind == "day" else 7 * DAY) // step)


def periods(freq: Freq, season: int, rows: int) -> dict[str, int]:
    """Return the number of slots of each kind of profile that can be fitted.

    The grid has to have the period, and the training `rows` have to contain it twice.
    """
    step = step_length(freq)
    found: dict[str, int] = {}
    if freq.unit == "month":
        found["year"] = 12 // freq.step if 12 % freq.step == 0 else 0
    elif step:
        fixed = DAY if freq.unit == "business" else freq.step
        found["day"] = DAY // fixed if DAY % fixed == 0 else 0
        found["week"] = 7 * DAY // fixed if 7 * DAY % fixed == 0 else 0
        found["year"] = 52 if step <= 7 * DAY else 0
    lengths = {"day": DAY, "week": 7 * DAY, "year": 365.25 * DAY}
    kept = {
        kind: count
        for kind, count in found.items()
        if 1 < count <= _MOST_SLOTS and rows * step >= 2 * lengths[kind]
    }
    is_calendar = any(round(lengths[kind] / step) == season for kind in kept)
    if season > 1 and not is_calendar and rows >= 2 * season:
        kept["season"] = season
    return kept


def fit_profiles(seen: Seen) -> dict[str, Arrays]:
    """Fit mean and median of each series, and by slot of every period that it shows.

    Returns the tables by name.
    """
    columns = seen.values.shape[1]
    group = np.repeat(np.arange(seen.panel.num_groups), seen.panel.lengths)
    series = (group[:, None] * columns + np.arange(columns)).reshape(-1)
    rows = int(seen.encoder.rows.max())
    kinds = {"constant": 1, **periods(seen.freq, seen.season, rows)}
    count = seen.panel.num_groups * columns
    found: dict[str, Arrays] = {}
    constant: Floats | None = None
    for kind, number in kinds.items():
        if count * number > _MOST_NUMBERS:
            continue
        slot = slots(kind, seen.freq, seen.season, seen.panel.index()).repeat(columns)
        tables = _tables(series, slot, seen.values.reshape(-1), (count, number))
        if constant is None:
            constant = np.nan_to_num(tables)
        tables = np.where(np.isnan(tables), constant, tables)
        for table, name in zip(tables, CONSTANTS, strict=True):
            found[_name(kind, name)] = {"table": table}
    return found


def _tables(series: Ints, slot: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    """Return mean and median by series and slot, [2, S, P]; NaN where there is none."""
    frame = pl.DataFrame({"at": series * shape[1] + slot, "value": values}).filter(
        pl.col("value").is_not_nan()
    )
    found = frame.group_by("at").agg(mean=pl.col("value").mean(), median=pl.col("value").median())
    tables = np.full((2, shape[0] * shape[1]), np.nan)
    tables[:, found["at"].to_numpy()] = found.select("mean", "median").to_numpy().T
    return tables.reshape(2, *shape)


def _name(kind: str, name: str) -> str:
    return name if kind == "constant" else f"{kind}_{name}"


def profile_baselines(encoder: ForecastEncoder, kept: Mapping[str, Arrays]) -> list[Baseline]:
    """Return the profiles among the kept arrays, by name."""
    freq, season = encoder.axis.freq, encoder.config.model.season or 1
    kinds = {"constant": "of the training split", **{k: f"by {v}" for k, v in _KINDS.items()}}
    return [
        Profile(name, f"{title} {suffix}", kind, freq, season, kept[name]["table"])
        for kind, suffix in kinds.items()
        for constant, title in CONSTANTS.items()
        if (name := _name(kind, constant)) in kept
    ]

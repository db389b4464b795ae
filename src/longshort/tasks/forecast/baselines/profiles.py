"""Constants, and means and medians by time of day, of week and of year; by series, z-scored.

They learn nothing from the lags, so what a network gains over them is its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from longshort.data.calendar import step_length
from longshort.data.panel import Floats
from longshort.data.timeline import DAY, Freq, Ints
from longshort.tasks.forecast.baselines.contract import Arrays, Asked, Baseline, Seen

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
    """table [S, P]: one number per series and slot of a period; a single slot is a constant."""

    kind: str
    freq: Freq
    season: int
    table: Floats

    def forecast(self, asked: Asked) -> Floats:
        """What stands in the slots of the horizon."""
        slot = slots(self.kind, self.freq, self.season, asked.index)
        # A new series has the mean of all, in its own scale.
        return asked.unscaled(asked.in_slots(self.table, slot))

    def arrays(self) -> Arrays:
        """The table."""
        return {"table": self.table}


def slots(kind: str, freq: Freq, season: int, index: Ints) -> Ints:
    """Which slot of the period each grid index lies in."""
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
    """Kinds of profiles that this grid has and `rows` training steps show twice: their slots."""
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


def profile_baselines(seen: Seen) -> list[Baseline]:
    """Mean and median of each series, and by slot of every period that it shows."""
    columns = seen.values.shape[1]
    group = np.repeat(np.arange(seen.panel.num_groups), seen.panel.lengths)
    series = (group[:, None] * columns + np.arange(columns)).reshape(-1)
    rows = int(seen.fitted.rows.max())
    kinds = {"constant": 1, **periods(seen.freq, seen.season, rows)}
    count = seen.panel.num_groups * columns
    found: list[Baseline] = []
    constant: Floats | None = None
    for kind, number in kinds.items():
        if count * number > _MOST_NUMBERS:
            continue
        slot = slots(kind, seen.freq, seen.season, seen.panel.index()).repeat(columns)
        tables = _tables(series, slot, seen.values.reshape(-1), (count, number))
        if constant is None:
            constant = np.nan_to_num(tables)
        tables = np.where(np.isnan(tables), constant, tables)
        for table, (name, title) in zip(tables, CONSTANTS.items(), strict=True):
            found.append(_profile(kind, name, title, table, seen))
    return found


def _tables(series: Ints, slot: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    """Mean and median by series and slot, [2, S, P]; NaN where there is none."""
    frame = pl.DataFrame({"at": series * shape[1] + slot, "value": values}).filter(
        pl.col("value").is_not_nan()
    )
    found = frame.group_by("at").agg(mean=pl.col("value").mean(), median=pl.col("value").median())
    tables = np.full((2, shape[0] * shape[1]), np.nan)
    tables[:, found["at"].to_numpy()] = found.select("mean", "median").to_numpy().T
    return tables.reshape(2, *shape)


def _profile(kind: str, name: str, title: str, table: Floats, seen: Seen) -> Profile:
    if kind == "constant":
        named = name, f"{title} of the training part"
    else:
        named = f"{kind}_{name}", f"{title} by {_KINDS[kind]}"
    return Profile(*named, kind, seen.freq, seen.season, table)


def restored_profiles(freq: Freq, season: int, arrays: dict[str, Arrays]) -> list[Baseline]:
    """The profiles that a run kept, by name."""
    found: list[Baseline] = []
    for kind in ("constant", *_KINDS):
        for name, title in CONSTANTS.items():
            whole = name if kind == "constant" else f"{kind}_{name}"
            if whole in arrays:
                suffix = "of the training part" if kind == "constant" else f"by {_KINDS[kind]}"
                table = arrays[whole]["table"]
                found.append(Profile(whole, f"{title} {suffix}", kind, freq, season, table))
    return found

"""Forecasts as typed rows in the user's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.data.digits import decimals_of, rounded
from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins
from longshort.lazy import polars as pl
from longshort.runs.task import MODEL
from longshort.tasks.forecast.baselines.table import NAMES
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.windows import Forecasts

RESERVED = {"column", "cutoff", "y", "yhat", *NAMES}
"""Columns of the tables written here; a group or time column of that name would collide."""


@dataclass(frozen=True)
class ForecastTable:
    """Forecasts, a row for each series and step, and the number of decimals to show in each row."""

    table: pl.DataFrame
    decimals: Ints

    @property
    def readable(self) -> pl.DataFrame:
        """The table with as many decimals as the data has, and up to two more.

        The truth `y` stays as it is in the data. Times of a zone are written in ISO 8601 with its
        offset.
        """
        forecasts = self.table.columns[self.table.columns.index("yhat") :]
        zoned = pl.selectors.datetime(time_zone="*").dt.to_string("%Y-%m-%dT%H:%M:%S%.f%:z")
        return self.table.with_columns(zoned).with_columns(
            pl.Series(name, rounded(self.table[name].to_numpy(), self.decimals))
            for name in forecasts
        )


def forecast_rows(
    panel: Panel, flat: Origins, values: Floats, config: ForecastConfig
) -> ForecastTable:
    """Return forecasts [m, H, Q] of these origins [m] as a table, a row for each step.

    Columns: those of the group, `column` where there are several targets, time, yhat, quantiles.
    """
    steps = values.shape[1]
    columns: dict[str, pl.Series] = {}
    schema = panel.schema
    for place, name in enumerate(schema.group):
        keys = [panel.groups[g][place] for g in flat.group.tolist()]
        columns[name] = pl.Series(name, np.repeat(keys, steps) if keys else [], dtype=pl.String)
    if len(schema.target) > 1:
        names = [schema.target[c] for c in flat.column.tolist()]
        columns["column"] = pl.Series(np.repeat(names, steps) if names else [], dtype=pl.String)
    rows = (flat.row[:, None] + np.arange(steps)).reshape(-1)
    columns |= _time_columns(panel, flat.group.repeat(steps), rows)
    columns["yhat"] = pl.Series(values[..., config.model.middle].reshape(-1))
    for number, level in enumerate(config.model.quantiles):
        columns[f"q{level:g}"] = pl.Series(values[..., number].reshape(-1))
    decimals = decimals_of(panel)[flat.group, flat.column]
    return ForecastTable(pl.DataFrame(columns), np.repeat(decimals, steps))


def plain_columns(
    panel: Panel, flat: Origins, values: Floats, config: ForecastConfig
) -> dict[str, list[Any]]:
    """Return the columns of `forecast_rows` as plain values, times as texts or numbers."""
    steps, schema, form = values.shape[1], panel.schema, panel.form
    groups, columns = flat.group.repeat(steps).tolist(), flat.column.repeat(steps).tolist()
    found: dict[str, list[Any]] = {
        name: [panel.groups[group][place] for group in groups]
        for place, name in enumerate(schema.group)
    }
    if len(schema.target) > 1:
        found["column"] = [schema.target[column] for column in columns]
    rows = (flat.row[:, None] + np.arange(steps)).reshape(-1)
    stamps = panel.freq.to_stamps(panel.first[flat.group.repeat(steps)] + rows).tolist()
    cells = [form.cell(stamp) for stamp in stamps]
    if schema.time is None or schema.clock is None:
        found[schema.time or "step"] = cells
    else:
        parts = [str(cell).split("\t") for cell in cells]
        found |= {schema.time: [p[0] for p in parts], schema.clock: [p[1] for p in parts]}
    found["yhat"] = values[..., config.model.middle].reshape(-1).tolist()
    for number, level in enumerate(config.model.quantiles):
        found[f"q{level:g}"] = values[..., number].reshape(-1).tolist()
    return found


def _time_columns(panel: Panel, group: Ints, row: Ints) -> dict[str, pl.Series]:
    """Return timestamps in the form and the columns of the source."""
    written = panel.form.write(panel.freq.to_stamps(panel.first[group] + row))
    schema = panel.schema
    if schema.time is None or schema.clock is None:
        return {schema.time or "step": written}
    return {
        name: written.str.split("\t").list.get(place)
        for place, name in enumerate((schema.time, schema.clock))
    }


def holdout_table(
    panel: Panel, forecasts: Mapping[str, Forecasts], config: ForecastConfig
) -> pl.DataFrame:
    """Return test forecasts of each series, of every horizon-th origin.

    Columns: those of the group, cutoff, time, y, yhat, … `cutoff` is the last timestamp that the
    forecast has seen. Forecasts have as many decimals as people need.
    """
    held, step = forecasts[MODEL].held, config.model.horizon or 1
    first = np.full(int(held.series.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, held.series, held.origins.row)
    keep = np.flatnonzero((held.origins.row - first[held.series]) % step == 0)
    return forecast_table(panel, forecasts, keep, config).readable


def forecast_table(
    panel: Panel, forecasts: Mapping[str, Forecasts], keep: Ints, config: ForecastConfig
) -> ForecastTable:
    """Return the long table of the chosen windows, with the truth and every baseline's forecast."""
    model = forecasts[MODEL]
    held = model.held
    assert model.quantiles is not None
    flat = held.origins[keep]
    rows = forecast_rows(panel, flat, model.quantiles[keep], config)
    table = rows.table
    steps = held.truth.shape[1]
    last = _time_columns(panel, flat.group.repeat(steps), (flat.row - 1).repeat(steps))
    (name, cutoff), *clock = last.items()
    for _, hours in clock:
        cutoff = cutoff + " " + hours
    baselines = {
        name: pl.Series(each.values[keep].reshape(-1))
        for name, each in forecasts.items()
        if name != MODEL
    }
    truth = pl.Series(held.truth[keep].reshape(-1)).fill_nan(None)
    place = table.columns.index(name)
    table = table.insert_column(place, cutoff.alias("cutoff"))
    table = table.insert_column(place + 1 + len(last), truth.alias("y"))
    table = table.with_columns(series.alias(name) for name, series in baselines.items())
    return ForecastTable(table, rows.decimals)

"""Forecasts past the end of each series, and forecasts as typed rows in the user's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from longshort.data.digits import decimals_of, rounded
from longshort.data.lookalikes import resembling
from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.errors import DataError
from longshort.runs.task import MODEL
from longshort.tasks.forecast.baselines.table import NAMES
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.inference import ForecastModel, forecast
from longshort.tasks.forecast.windows import Forecasts, Windows

RESERVED = {"column", "cutoff", "y", "yhat", *NAMES}
"""Columns of the tables written here; a group or time column of that name would collide."""


@dataclass(frozen=True)
class Prediction:
    """One row per series and step, the series that could not be forecast, and remarks."""

    table: pl.DataFrame
    skipped: dict[str, str]
    notes: tuple[str, ...]
    origins: Origins
    """Of the series that were forecast, in the table's order."""
    decimals: Ints
    """That each row of the table deserves, for people to read."""

    @property
    def readable(self) -> pl.DataFrame:
        """The table with as many decimals as the data has, and up to two more."""
        return readable(self.table, self.decimals)

    def json(self) -> dict[str, Any]:
        """The rows for `predict --json`, with times as texts."""
        columns = (self.table.to_series(i) for i in range(self.table.width))
        texts = [each.cast(str) for each in columns if each.dtype.is_temporal()]
        return {"forecast": self.table.with_columns(texts).to_dicts()}


def predict(model: ForecastModel, panel: Panel, horizon: int) -> Prediction:
    """Forecast `horizon` steps after each series' last known value.

    A horizon beyond the trained one is reached by feeding forecasts back, block after block.
    """
    config = model.config
    trained = config.model.horizon or 1
    _refuse_roll(config, horizon, trained)
    blocks = -(-horizon // trained)
    ends = _ends(panel, config.model.channels != "independent")
    longer = panel.extend(ends.max(axis=1) + blocks * trained)
    encoder, new = model.encoder.for_panel(panel, panel.lengths)
    origins, skipped = _origins(encoder.reader(longer), panel, ends, config, new, horizon)
    strange = np.intersect1d(new, origins.group).size
    notes = model.encoder.unseen(panel)
    if strange and config.transform.per == "series":
        keys = [panel.groups[g] for g in new]
        notes.append(
            f"{strange} series were not seen in training; scaled by their own values"
            + resembling(keys, model.encoder.groups)
        )
    if blocks > 1:
        notes.append(
            f"horizon {horizon} is beyond the trained {trained}: forecasts were fed back "
            f"{blocks - 1} times"
        )
    joint = config.model.channels != "independent"
    flat = origins.for_columns(panel.target.shape[1]) if joint else origins
    values = np.empty((0, horizon, max(1, len(config.model.quantiles))))
    if len(origins):
        values = _roll(replace(model, encoder=encoder), longer, origins, flat, blocks)[:, :horizon]
    table = _rows(panel, flat, values, config)
    return Prediction(table, skipped, tuple(notes), flat, row_decimals(panel, flat, horizon))


def _roll(
    model: ForecastModel, panel: Panel, origins: Origins, flat: Origins, blocks: int
) -> Floats:
    """Forecasts [m, blocks · H, Q]; each block's middle forecast is the next one's history.

    flat: the origins, one for each column.
    """
    step, found = model.config.model.horizon or 1, []
    for number in range(blocks):
        moved = replace(origins, row=origins.row + number * step)
        found.append(forecast(model, Windows(model.encoder, model.encoder.reader(panel), moved)))
        rows = (panel.offsets[flat.group] + flat.row + number * step)[:, None] + np.arange(step)
        target = panel.target.copy()
        target[rows, flat.column[:, None]] = found[-1][..., model.config.model.middle]
        panel = replace(panel, target=target)
    return np.concatenate(found, axis=1)


def _refuse_roll(config: ForecastConfig, horizon: int, trained: int) -> None:
    if horizon < 1:
        raise DataError(f"--horizon: at least 1 step is needed, got {horizon}")
    if horizon > trained and config.data.past:
        raise DataError(
            f"--horizon {horizon}: this run was trained for {trained} steps with past covariates "
            f"{list(config.data.past)}, which are unknown beyond; ask for at most {trained}, or "
            f"train with model.horizon={horizon}"
        )


def _ends(panel: Panel, joint: bool) -> Ints:
    """Row after the last known value of each group and column, [G, K]."""
    known = ~np.isnan(panel.target)
    ends = np.zeros((panel.num_groups, known.shape[1]), np.int64)
    for group in range(panel.num_groups):
        block = known[panel.offsets[group] : panel.offsets[group + 1]]
        found = block.any(axis=0)
        ends[group] = np.where(found, len(block) - block[::-1].argmax(axis=0), 0)
    return np.repeat(ends.max(1, keepdims=True), ends.shape[1], 1) if joint else ends


def _origins(
    reader: WindowReader,
    panel: Panel,
    ends: Ints,
    config: ForecastConfig,
    new: list[int],
    horizon: int,
) -> tuple[Origins, dict[str, str]]:
    """Where each series is continued from, and why some cannot be."""
    need = (config.model.context_length or 1) + config.transform.difference
    chosen, skipped = [], {}
    for group in range(panel.num_groups):
        for column in range(1 if reader.joint else ends.shape[1]):
            end = int(ends[group, column])
            reason = ""
            if end == 0:
                reason = "it has no value at all"
            elif not reader.is_known(group, column, end):
                begin = panel.offsets[group]
                block = panel.filled[begin : begin + end, : None if reader.joint else column + 1]
                known = int((~np.isnan(block[:, 0 if reader.joint else column :])).all(1).sum())
                reason = (
                    f"it has {known} steps, the model needs {need}"
                    if known < need
                    else "it had no values in the training part, so it has no scale"
                )
            elif group in new and config.model.embedding:
                reason = "it was not seen in training, and the model keeps a vector per series"
            else:
                reason = _missing_future(panel, group, end, horizon, config)
            if reason:
                whole = "/".join(panel.groups[group]) or "the data"
                name = whole if reader.joint else panel.series_name(group, column)
                skipped[name] = reason
            else:
                chosen.append((group, column, end))
    table = np.array(chosen, np.int64).reshape(-1, 3)
    return Origins(table[:, 0], table[:, 1], table[:, 2]), skipped


def _missing_future(
    panel: Panel, group: int, end: int, horizon: int, config: ForecastConfig
) -> str:
    if not config.data.future:
        return ""
    begin = panel.offsets[group]
    block = panel.future[begin + end : min(begin + end + horizon, panel.offsets[group + 1])]
    for column, name in enumerate(config.data.future):
        known = int((~np.isnan(block[:, column])).sum())
        if known < horizon:
            return (
                f"future covariate {name!r} is given for {known} of the {horizon} steps ahead; "
                "add rows with it and an empty target"
            )
    return ""


def _rows(panel: Panel, flat: Origins, values: Floats, config: ForecastConfig) -> pl.DataFrame:
    """Columns: the group's, `column` where there are several targets, time, yhat, quantiles."""
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
    return pl.DataFrame(columns)


def _time_columns(panel: Panel, group: Ints, row: Ints) -> dict[str, pl.Series]:
    """Timestamps in the form and the columns in which they came."""
    written = panel.form.write(panel.freq.to_stamps(panel.first[group] + row))
    schema = panel.schema
    if schema.time is None or schema.clock is None:
        return {schema.time or "step": written}
    return {
        name: written.str.split("\t").list.get(place)
        for place, name in enumerate((schema.time, schema.clock))
    }


def row_decimals(panel: Panel, flat: Origins, steps: int) -> Ints:
    """Decimals for each row of a table of these origins with so many steps each."""
    each = decimals_of(panel)[flat.group, flat.column]
    return np.repeat(each, steps)


def readable(table: pl.DataFrame, decimals: Ints) -> pl.DataFrame:
    """Forecasts rounded to the decimals of each row; the truth `y` stays as it is in the data.

    Times of a zone are written in ISO 8601 with its offset.
    """
    forecasts = table.columns[table.columns.index("yhat") :]
    zoned = pl.selectors.datetime(time_zone="*").dt.to_string("%Y-%m-%dT%H:%M:%S%.f%:z")
    return table.with_columns(zoned).with_columns(
        pl.Series(name, rounded(table[name].to_numpy(), decimals)) for name in forecasts
    )


def holdout_table(
    panel: Panel, forecasts: Mapping[str, Forecasts], config: ForecastConfig
) -> pl.DataFrame:
    """Test forecasts of each series, every horizon-th origin: group, cutoff, time, y, yhat, …

    `cutoff` is the last timestamp that the forecast has seen. Forecasts have as many decimals as
    people need.
    """
    held, step = forecasts[MODEL].held, config.model.horizon or 1
    first = np.full(int(held.series.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, held.series, held.origins.row)
    keep = np.flatnonzero((held.origins.row - first[held.series]) % step == 0)
    decimals = row_decimals(panel, held.origins[keep], held.truth.shape[1])
    return readable(forecast_table(panel, forecasts, keep, config), decimals)


def forecast_table(
    panel: Panel, forecasts: Mapping[str, Forecasts], keep: Ints, config: ForecastConfig
) -> pl.DataFrame:
    """The long table of the chosen windows, with the truth and every baseline's forecast."""
    model = forecasts[MODEL]
    held = model.held
    assert model.quantiles is not None
    flat = held.origins[keep]
    table = _rows(panel, flat, model.quantiles[keep], config)
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
    return table.with_columns(series.alias(name) for name, series in baselines.items())

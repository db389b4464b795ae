"""Forecasts past the end of each series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from longshort.data.lookalikes import resembling
from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.errors import DataError
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import ForecastModel, forecast
from longshort.tasks.forecast.tables import ForecastTable, forecast_rows, plain_columns
from longshort.tasks.forecast.windows import Windows


@dataclass(frozen=True)
class Prediction(ForecastTable):
    """Forecasts past the end, a row for each series and step.

    skipped: the series that could not be forecast, each with the reason. notes: remarks. origins:
    those of the series that were forecast, in the table's order. rows: those of the table as plain
    values, for `predict --json`.
    """

    skipped: dict[str, str]
    notes: tuple[str, ...]
    origins: Origins
    rows: list[dict[str, Any]]

    def json(self) -> dict[str, Any]:
        """Return the rows for `predict --json`, with times as texts."""
        return {"forecast": self.rows}


@dataclass(frozen=True)
class Ahead:
    """Forecasts [m, H, Q] past the ends of the series of a panel; else as in `Prediction`."""

    panel: Panel
    values: Floats
    skipped: dict[str, str]
    notes: tuple[str, ...]
    origins: Origins
    config: ForecastConfig

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each series and step, of plain values, with times as texts."""
        columns = plain_columns(self.panel, self.origins, self.values, self.config)
        names = list(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def predict(model: ForecastModel, panel: Panel, horizon: int) -> Prediction:
    """Forecast `horizon` steps after each series' last known value, as a table."""
    found = look_ahead(model, panel, horizon)
    made = forecast_rows(panel, found.origins, found.values, found.config)
    return Prediction(
        made.table, made.decimals, found.skipped, found.notes, found.origins, found.rows
    )


def look_ahead(model: ForecastModel, panel: Panel, horizon: int) -> Ahead:
    """Forecast `horizon` steps after each series' last known value.

    A horizon beyond the trained one is reached by feeding forecasts back, block after block.
    """
    config = model.config
    trained = config.model.horizon or 1
    _refuse_roll(config, horizon, trained)
    blocks = -(-horizon // trained)
    ends = _ends(panel, config.model.is_joint)
    longer = panel.extend(ends.max(axis=1) + blocks * trained)
    encoder = model.encoder.for_panel(panel, panel.lengths)
    origins, skipped = _origins(encoder, encoder.reader(longer), panel, ends, horizon)
    new = np.flatnonzero(encoder.number < 0)
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
    flat = origins.for_columns(panel.target.shape[1]) if config.model.is_joint else origins
    values = np.empty((0, horizon, max(1, len(config.model.quantiles))))
    if len(origins):
        values = _roll(replace(model, encoder=encoder), longer, origins, flat, blocks)[:, :horizon]
    return Ahead(panel, values, skipped, tuple(notes), flat, config)


def _roll(
    model: ForecastModel, panel: Panel, origins: Origins, flat: Origins, blocks: int
) -> Floats:
    """Return forecasts [m, blocks · H, Q]; each block's middle forecast is the next one's history.

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
    """Return the row after the last known value of each group and column, [G, K]."""
    rows, columns = np.nonzero(~np.isnan(panel.target))
    group = np.repeat(np.arange(panel.num_groups), panel.lengths)[rows]
    ends = np.zeros((panel.num_groups, panel.target.shape[1]), np.int64)
    np.maximum.at(ends, (group, columns), panel.position[rows] + 1)
    return np.repeat(ends.max(1, keepdims=True), ends.shape[1], 1) if joint else ends


def _origins(
    encoder: ForecastEncoder, reader: WindowReader, panel: Panel, ends: Ints, horizon: int
) -> tuple[Origins, dict[str, str]]:
    """Return the rows from which series are continued, and why others cannot be, by name."""
    chosen, skipped = [], {}
    for group in range(panel.num_groups):
        for column in range(1 if reader.joint else ends.shape[1]):
            end = int(ends[group, column])
            reason = _obstacle(encoder, reader, panel, (group, column, end), horizon)
            if not reason:
                chosen.append((group, column, end))
            elif reader.joint:
                skipped["/".join(panel.groups[group]) or "the data"] = reason
            else:
                skipped[panel.series_name(group, column)] = reason
    table = np.array(chosen, np.int64).reshape(-1, 3)
    return Origins(table[:, 0], table[:, 1], table[:, 2]), skipped


def _obstacle(
    encoder: ForecastEncoder,
    reader: WindowReader,
    panel: Panel,
    origin: tuple[int, int, int],
    horizon: int,
) -> str:
    """Return why a series cannot be forecast from this group, column and row; empty if it can."""
    (group, column, end), config = origin, encoder.config
    if end == 0:
        return "it has no value at all"
    if not reader.is_known(group, column, end):
        begin, need = panel.offsets[group], reader.context + config.transform.difference
        own = slice(None) if reader.joint else slice(column, column + 1)
        block = panel.filled[begin : begin + end, own]
        known = int((~np.isnan(block)).all(1).sum())
        if known < need:
            return f"it has {known} steps, the model needs {need}"
        return "it had no values in the training split, so it has no scale"
    if encoder.number[group] < 0 and config.model.embedding:
        return "it was not seen in training, and the model keeps a vector per series"
    return _missing_future(panel, group, end, horizon, config)


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

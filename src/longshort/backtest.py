"""Rolling origins: forecasts that see only what came before them, in one long table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from longshort.config import RunConfig, build_as
from longshort.data.dataset import read_dataset
from longshort.data.findings import refuse_errors
from longshort.data.panel import Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins
from longshort.errors import ConfigError, DataError
from longshort.tasks.forecast.baselines.table import Baselines
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.predict import forecast_table, readable, row_decimals
from longshort.tasks.forecast.scoring import Scored, score_windows
from longshort.tasks.forecast.task import ForecastTask
from longshort.train.events import Listener, Working, silent, teller
from longshort.workflow import forecast
from longshort.workflow.job import Say, given, quiet


@dataclass(frozen=True)
class Backtest:
    """The long table (group, cutoff, time, y, yhat, quantiles, rivals) and the scores over it."""

    table: pl.DataFrame
    scores: dict[str, Any]
    decimals: Ints
    """That each row of the table deserves, for people to read."""

    @property
    def readable(self) -> pl.DataFrame:
        """The table with as many decimals as the data has, and up to two more."""
        return readable(self.table, self.decimals)


def backtest(
    settings: Mapping[str, Any],
    *,
    data: object = None,
    windows: int = 5,
    stride: int | None = None,
    refit: bool = False,
    say: Say = quiet,
    listen: Listener = silent,
) -> Backtest:
    """Forecast from `windows` origins, `stride` steps apart (the horizon when absent).

    The last origin leaves one horizon to the end of the data. With `refit` the model is trained
    anew before each origin, else once before the first; either way on earlier rows only, and what
    the settings leave open is decided from those rows too.
    """
    listen(Working("reading the data and deciding settings"))
    asked = build_as(RunConfig, settings)
    dataset = read_dataset(given(asked, data), asked.data)
    refuse_errors(dataset.findings, dataset.source.name)
    say(dataset.describe()[0])
    dataset = replace(dataset, panel=dataset.panel.until_last_value())
    config = _with_horizon(asked, dataset.panel)
    dataset = forecast.examined(dataset, config)
    for finding in dataset.findings:
        say(f"{finding.severity}: {finding.sentence()}")
    horizon = config.model.horizon or 1
    ends = [
        _ends(dataset.panel, config, (windows - 1 - k) * (stride or horizon))
        for k in range(windows)
    ]
    config = _resolved(config, dataset.panel, ends[0])
    task: ForecastTask | None = None
    baselines = Baselines(())
    folds: list[Scored] = []
    for number, end in enumerate(ends):
        if task is None or refit:
            say(f"origin {number + 1} of {windows}: training")
            task = forecast.make_task(config, _cut(dataset.panel, end))
            forecast.train(task, listen=listen)
            baselines = forecast.baselines_of(task, teller(listen))
        folds.append(_fold(task, baselines, dataset.panel, end - horizon))
    scored = _joined(folds)
    assert task is not None
    scores, _ = forecast.scores_of(scored, task.fitted, config)
    scores["verdict"] += forecast.warnings(dataset)
    table = forecast_table(dataset.panel, scored, np.arange(len(scored.truth)), config)
    decimals = row_decimals(dataset.panel, scored.origins, scored.truth.shape[1])
    return Backtest(table, {**scores, "windows": windows, "refit": refit}, decimals)


def _with_horizon(config: RunConfig, panel: Panel) -> RunConfig:
    """Fix the horizon first: it decides where the origins lie."""
    if config.model.horizon is not None:
        return config
    resolved, _ = resolve(config, panel)
    model = config.model.model_copy(update={"horizon": resolved.model.horizon})
    return config.model_copy(update={"model": model})


def _resolved(config: RunConfig, panel: Panel, ends: Ints) -> RunConfig:
    """Decide what is open from the rows before the first origin; the test part is one horizon."""
    split = config.split.model_copy(update={"test": config.model.horizon, "stride": 1})
    first = _cut(panel, ends)
    schema = panel.schema
    named = config.data.model_copy(update={"target": schema.target, "time": schema.time_setting})
    resolved, _ = resolve(config.model_copy(update={"split": split, "data": named}), first)
    return resolved


def _ends(panel: Panel, config: RunConfig, back: int) -> Ints:
    """Row of each group that lies `back` steps before the end, by time or by series.

    Beyond a group's last row for a series that had stopped by then, negative for one that had not
    begun.
    """
    if config.split.by == "series":
        ends = panel.lengths - back
    else:
        ends = int((panel.first + panel.lengths).max()) - back - panel.first
    if int(np.minimum(ends, panel.lengths).max()) <= (config.model.horizon or 1):
        raise ConfigError(
            f"backtest: {back} steps before the end nothing is left to learn from; ask for fewer "
            "--windows or a smaller --stride"
        )
    return np.asarray(ends)


def _cut(panel: Panel, ends: Ints) -> Panel:
    kept = np.clip(ends, 0, panel.lengths)
    return panel.cut({g: int(rows) for g, rows in enumerate(kept)})


def _fold(task: ForecastTask, baselines: Baselines, panel: Panel, rows: Ints) -> Scored:
    """Forecasts of everyone from one origin, for the series that reach over its horizon."""
    reader = task.fitted.reader(panel, task.config)
    lives = (rows > 0) & (rows + reader.horizon <= panel.lengths)
    start = np.where(lives, rows, 0)
    part = forecast.one_part(start, np.where(lives, rows + reader.horizon, 0))
    origins = reader.origins("test", part)
    if not len(origins):
        raise DataError(
            "backtest: at one of the origins no series has a whole context before it and a known "
            "value over the horizon"
        )
    return score_windows(task.forecaster, reader, origins, baselines)


def _joined(folds: list[Scored]) -> Scored:
    def join(pick: Any) -> Any:
        return np.concatenate([pick(fold) for fold in folds])

    first = folds[0]
    kept = [name for name in first.forecasts if all(name in fold.forecasts for fold in folds)]
    every = {name for fold in folds for name in fold.forecasts}
    left_out = "is left out: it could not be fitted before every origin"
    return replace(
        first,
        origins=Origins(
            join(lambda f: f.origins.group),
            join(lambda f: f.origins.column),
            join(lambda f: f.origins.row),
        ),
        series=join(lambda f: f.series),
        truth=join(lambda f: f.truth),
        last=join(lambda f: f.last),
        moment=join(lambda f: f.moment),
        quantiles=join(lambda f: f.quantiles),
        uncalibrated=(None if first.uncalibrated is None else join(lambda f: f.uncalibrated)),
        forecasts={name: np.concatenate([fold.forecasts[name] for fold in folds]) for name in kept},
        notes={name: text for fold in folds for name, text in fold.notes.items()}
        | dict.fromkeys(sorted(every.difference(kept)), left_out),
    )

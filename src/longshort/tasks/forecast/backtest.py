"""Backtests: forecasts from rolling origins, each of which sees only the rows before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from longshort.config import build_as
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.findings import refuse_errors
from longshort.data.panel import Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins
from longshort.errors import ConfigError, DataError, LongshortError
from longshort.runs.cell import model_title
from longshort.runs.job import Job
from longshort.runs.prepare import Prepared
from longshort.runs.task import MODEL, Baseline, Encoded, Say, Scored, quiet, untracked
from longshort.runs.verdict import scored, scores_of
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.doctor import examine
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.leakage import leak_warnings
from longshort.tasks.forecast.series import AnySeries, Series, Timeline, only_test
from longshort.tasks.forecast.tables import ForecastTable, forecast_table
from longshort.tasks.forecast.task import ForecastTask
from longshort.tasks.forecast.windows import Forecasts, Windows
from longshort.train.events import Listener, Working, silent, tracker

ForecastJob = Job[ForecastConfig, AnySeries, ForecastEncoder, Forecasts]


@dataclass(frozen=True)
class Backtest(ForecastTable):
    """Forecasts from all origins, and the scores over them.

    The columns of `table` are group, cutoff, time, y, yhat, quantiles, and each baseline's
    forecast.
    """

    scores: dict[str, Any]


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
    anew before each origin, else once before the first. In both cases, it is trained on earlier
    rows only, from which open settings are decided too.
    """
    for name, value in (("windows", windows), ("stride", 1 if stride is None else stride)):
        if value < 1:
            raise ConfigError(f"backtest: {name}: at least 1 is needed, got {value}")
    listen(Working("reading the data and deciding settings"))
    asked = build_as(ForecastConfig, settings)
    if data is None and asked.path is None:
        raise LongshortError("no data: give a file, or --example NAME")
    dataset = read_dataset(asked.path if data is None else data, asked.data)
    refuse_errors(dataset.findings, dataset.source.name)
    say(dataset.describe()[0])
    dataset = replace(dataset, panel=dataset.panel.until_last_value())
    config = _with_horizon(asked, dataset.panel)
    dataset = replace(dataset, findings=tuple(examine(dataset, config)))
    for finding in dataset.findings:
        say(f"{finding.severity}: {finding.sentence()}")
    horizon = config.model.horizon or 1
    ends = [
        _ends(dataset.panel, config, (windows - 1 - k) * (stride or horizon))
        for k in range(windows)
    ]
    config = _resolved(config, dataset.panel, ends[0])
    folds: list[_Fold] = []
    job: ForecastJob | None = None
    for number, end in enumerate(ends):
        if job is None or refit:
            say(f"origin {number + 1} of {windows}: training")
            job = _trained(config, dataset, end, listen)
        folds.append(_fold(job, dataset.panel, end - horizon))
    assert job is not None
    task, model, found = job.task, job.model, _scored(job, folds)
    scores = scores_of(task, model, model_title(config), found)
    scores["verdict"] += leak_warnings(dataset.findings)
    everyone = np.arange(len(found.predictions[MODEL].held.truth))
    made = forecast_table(dataset.panel, found.predictions, everyone, config)
    return Backtest(made.table, made.decimals, {**scores, "windows": windows, "refit": refit})


def _trained(config: ForecastConfig, dataset: Dataset, end: Ints, listen: Listener) -> ForecastJob:
    """Train a model and its baselines on the rows before `end`."""
    task = ForecastTask()
    timeline = Timeline(replace(dataset, panel=_cut(dataset.panel, end), ahead=None), config)
    splits = task.split({"train": Series(timeline.dataset, timeline, "train")}, config)
    encoder = task.fit_encoder(splits.train, config)
    job: ForecastJob = Job(Prepared(task, config, splits, (), encoder), quiet)
    job.train(None, listen, resume=False)
    job.fit_rest(quiet, tracker(listen))
    return job


def _with_horizon(config: ForecastConfig, panel: Panel) -> ForecastConfig:
    """Decide the horizon first, as the places of the origins depend on it."""
    if config.model.horizon is not None:
        return config
    resolved, _ = resolve(config, panel)
    return config.updated("model", {"horizon": resolved.model.horizon})


def _resolved(config: ForecastConfig, panel: Panel, ends: Ints) -> ForecastConfig:
    """Decide open settings from the rows before the first origin; the test split is one horizon."""
    schema = panel.schema
    config = config.updated("split", {"test": config.model.horizon, "stride": 1})
    config = config.updated("data", {"target": schema.target, "time": schema.time_setting})
    resolved, _ = resolve(config, _cut(panel, ends))
    return resolved


def _ends(panel: Panel, config: ForecastConfig, back: int) -> Ints:
    """Return the row of each group that lies `back` steps before the end, by time or by series.

    It lies beyond the last row of a group that had ended by then, and is negative for a group that
    had not begun.
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


@dataclass(frozen=True)
class _Fold:
    """Forecasts from one origin, by the model and the baselines."""

    own: Forecasts
    baselines: dict[str, Baseline[Forecasts]]


def _fold(job: ForecastJob, panel: Panel, rows: Ints) -> _Fold:
    """Forecast from these rows [G] those series that have a whole horizon after them."""
    encoder = job.model.encoder
    reader = encoder.reader(panel)
    lives = (rows > 0) & (rows + reader.horizon <= panel.lengths)
    start = np.where(lives, rows, 0)
    split = only_test(start, np.where(lives, rows + reader.horizon, 0))
    windows = Windows(encoder, reader, reader.origins("test", split))
    if not len(windows):
        raise DataError(
            "backtest: at one of the origins no series has a whole context before it and a known "
            "value over the horizon"
        )
    test = {"test": Encoded(job.encoded["test"].samples, windows)}
    others = job.task.baselines(job.model, test, {}, untracked)
    return _Fold(job.task.predict(job.model, windows), others)


def _scored(job: ForecastJob, folds: list[_Fold]) -> Scored[AnySeries, Forecasts]:
    """Score all origins together; a baseline that some of them lack is left out."""
    own = _joined([fold.own for fold in folds])
    first = folds[0].baselines
    every = {name for fold in folds for name in fold.baselines}
    kept = [name for name in first if all(name in fold.baselines for fold in folds)]
    notes = {n: each.note for fold in folds for n, each in fold.baselines.items() if each.note}
    baselines = {
        name: replace(
            first[name],
            prediction=_joined([fold.baselines[name].prediction for fold in folds]),
            note=notes.get(name, ""),
        )
        for name in kept
    }
    samples = job.encoded["test"].samples
    found = scored(job.task, job.model, samples, own, baselines)
    left_out = "is left out: it could not be fitted before every origin"
    return replace(found, left_out=dict.fromkeys(sorted(every.difference(kept)), left_out))


def _joined(folds: list[Forecasts]) -> Forecasts:
    first = folds[0]

    def join(pick: Callable[[Forecasts], Any]) -> Any:
        return np.concatenate([pick(fold) for fold in folds])

    held = replace(
        folds[-1].held,
        origins=Origins(
            join(lambda f: f.held.origins.group),
            join(lambda f: f.held.origins.column),
            join(lambda f: f.held.origins.row),
        ),
        series=join(lambda f: f.held.series),
        truth=join(lambda f: f.held.truth),
        last=join(lambda f: f.held.last),
        moment=join(lambda f: f.held.moment),
    )
    return Forecasts(
        held,
        join(lambda f: f.values),
        None if first.quantiles is None else join(lambda f: f.quantiles),
        None if first.uncalibrated is None else join(lambda f: f.uncalibrated),
    )

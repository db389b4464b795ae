"""Metrics of forecasts, and the verdict on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from longshort.data.panel import Floats
from longshort.data.timeline import Ints
from longshort.errors import DataError
from longshort.metrics import forecasts as metrics
from longshort.metrics.significance import Comparison, compare, echo_check, flatness_check
from longshort.runfolder import finite_or_none
from longshort.runs.task import MODEL, Scored, Scores
from longshort.tasks.forecast.baselines.table import CONSTANTS, decides_by_mae
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.sentence import Standing, sentence
from longshort.tasks.forecast.windows import Forecasts, Held, Windows

_FEW, _MANY = 4, 20
"""Horizons of moments below which series are compared instead, and the least number of series."""


def scores(forecasts: Forecasts, config: ForecastConfig) -> Scores:
    """Return metrics overall, by step and by series, and the losses for the paired test.

    Metrics are in the user's units and in z-scored ones. There is a loss per moment, or per series
    (`units_of`).
    """
    units, _, _ = units_of(forecasts.held)
    each = forecasts.losses(absolute=decides_by_mae(config))
    mean = metrics.mean_by(each, units[:, None], int(units.max()) + 1)
    losses = mean[~np.isnan(mean)]
    if not len(losses):
        raise DataError("no window with a known value belongs to a series with training rows")
    return Scores(values_of(forecasts, config.model.quantiles), losses, float(losses.mean()))


def values_of(forecasts: Forecasts, levels: tuple[float, ...]) -> dict[str, Any]:
    """Return all metrics of a forecast, overall, `by_step` and `by_series`."""
    held = forecasts.held
    location = held.location[held.series][:, None]
    spread = held.spread[held.series][:, None]
    naive = held.naive_error
    size = np.where(naive > 0, naive, np.nan)[held.series][:, None]
    horizon, truth, values = held.truth.shape[1], held.truth, forecasts.values
    groupings = {
        "overall": (np.zeros((1, 1), np.int64), 1),
        "by_step": (np.arange(horizon)[None, :], horizon),
        "by_series": (held.series[:, None], len(naive)),
    }
    entry: dict[str, Any] = {}
    for title, (group, count) in groupings.items():
        found = metrics.grouped(truth, values, group, count)
        scaled = metrics.grouped(
            (truth - location) / spread, (values - location) / spread, group, count
        )
        found |= {f"scaled_{key}": scaled[key] for key in ("mse", "rmse", "mae", "r2")}
        found["mase"] = metrics.mean_by(np.abs(values - truth) / size, group, count)
        if forecasts.quantiles is not None and levels:
            for key, each in _quantile_values(forecasts, levels).items():
                found[key] = metrics.mean_by(each, group, count)
        entry[title] = {key: value.tolist() for key, value in found.items()}
    overall = {key: value[0] for key, value in entry.pop("overall").items()}
    overall["mase"] = metrics.mase(np.array(entry["by_series"]["mae"], float), naive)
    cleaned: dict[str, Any] = finite_or_none(overall | entry)
    return cleaned


def _quantile_values(forecasts: Forecasts, levels: tuple[float, ...]) -> dict[str, Floats]:
    """Return pinball losses and their mean, and coverage and width of intervals, [m, H] each."""
    truth, quantiles = forecasts.held.truth, forecasts.quantiles
    assert quantiles is not None
    losses = {
        f"pinball_{level:g}": metrics.pinball(truth, quantiles[..., i], level)
        for i, level in enumerate(levels)
    }
    found = {"pinball": np.asarray(np.mean(list(losses.values()), axis=0)), **losses}
    for i in range(len(levels) // 2):
        low, high = quantiles[..., i], quantiles[..., -1 - i]
        interval = f"{levels[-1 - i] - levels[i]:.6g}"
        found[f"coverage_{interval}"] = _inside(truth, low, high)
        found[f"width_{interval}"] = np.where(np.isnan(truth), np.nan, high - low)
        before = forecasts.uncalibrated
        if before is not None:
            found[f"coverage_{interval}_uncalibrated"] = _inside(
                truth, before[..., i], before[..., -1 - i]
            )
    return found


def coverage_notes(model: Mapping[str, Any]) -> dict[str, str]:
    """Return notes for people on the share of the test split in each interval of the model."""
    notes = {}
    for key, covered in model.items():
        interval = key.removeprefix("coverage_")
        if interval == key or interval.endswith("_uncalibrated") or covered is None:
            continue
        before = model.get(f"{key}_uncalibrated")
        how = "it is not calibrated" if before is None else f"{before:.1%} before calibration"
        title = f"the {float(interval):.0%} interval"
        notes[title] = f"covers {covered:.1%} of the test values; {how}"
    return notes


def season_notes(windows: Windows) -> dict[str, str]:
    """Return a note on windows where the seasonal naive forecast falls back on the last value."""
    season = windows.encoder.config.model.season or 1
    if season == 1:
        return {}
    panel, flat = windows.panel, windows.flat
    begins = panel.offsets[flat.group] + np.maximum(flat.row - season, 0)
    is_short = (flat.row < season) | np.isnan(panel.filled[begins, flat.column])
    short = int(is_short.sum())
    if not short:
        return {}
    return {
        "seasonal_naive": f"repeats the last value in part of {short:,} windows that have "
        "less than a season before them"
    }


def _inside(truth: Floats, low: Floats, high: Floats) -> Floats:
    """Return 1 where the truth lies in the interval, 0 where not, NaN where it is unknown."""
    inside = ((truth >= low) & (truth <= high)).astype(np.float64)
    return np.where(np.isnan(truth), np.nan, inside)


def units_of(held: Held) -> tuple[Ints, str, int]:
    """Return the units of the paired test: moments, or series.

    As series share shocks, units are moments in order of time, unless there are too few of them and
    many series. Returns the unit of each window [m], the units' name for people, and the number of
    neighbours whose horizons overlap.
    """
    moments, number = np.unique(held.moment, return_inverse=True)
    gaps = np.diff(moments)
    apart = int(gaps.min()) if gaps.size else 1
    block = -(-held.truth.shape[1] // apart)
    series, place = np.unique(held.series, return_inverse=True)
    if len(moments) < _FEW * block and len(series) >= _MANY:
        return place, "series, taken as independent", 0
    return number, "forecast origins", block


def compare_losses(scored: Scored[Any, Forecasts], one: str, other: str) -> Comparison:
    """Compare losses in a paired test, in which neighbouring moments overlap."""
    _, _, block = units_of(scored.predictions[MODEL].held)
    return compare(scored.scores[one].per_sample, scored.scores[other].per_sample, block)


def checks(forecasts: Forecasts) -> dict[str, Any]:
    """Check whether the model's forecast is an echo of the last value, or flat."""
    held = forecasts.held
    spread = held.spread[held.series][:, None]
    echo = echo_check(held.truth / spread, forecasts.values / spread, held.last / spread[:, 0])
    return {"echo": echo, "flatness": flatness_check(held.truth, forecasts.values)}


def verdict(
    scored: Scored[Any, Forecasts], config: ForecastConfig, cell: str, result: Comparison
) -> str:
    """Return whether the model earned its place, and what is odd about its forecast.

    It rests on the scaled metric that corresponds to the training loss.
    """
    model, found = scored.predictions[MODEL], scored.scores
    _, unit, _ = units_of(model.held)
    count = len(found[MODEL].per_sample)
    constants = sorted(CONSTANTS & scored.baselines.keys())
    constant = min(constants, key=lambda name: found[name].per_sample.mean())
    standing = Standing(
        cell=cell,
        metric=f"scaled {'MAE' if decides_by_mae(config) else 'MSE'}",
        title=scored.baselines[scored.best].title,
        basis=f"{len(model.held.truth):,} test windows, {count:,} {unit}",
        losses=(float(found[MODEL].per_sample.mean()), float(found[scored.best].per_sample.mean())),
        constant=scored.baselines[constant].title,
        over_constant=compare_losses(scored, scored.best, constant),
        r2=_r2(model),
    )
    text, odd = sentence(result, standing), checks(model)
    if odd["echo"]["is_echo"]:
        text += " Beware: the forecast is close to an echo of the last known value."
    if odd["flatness"]["is_flat"] and standing.is_learnable:
        text += " Beware: the forecast is flat where the truth moves."
    return text


def _r2(forecasts: Forecasts) -> float:
    overall = metrics.grouped(forecasts.held.truth, forecasts.values, np.zeros((1, 1), np.int64), 1)
    return float(overall["r2"][0])

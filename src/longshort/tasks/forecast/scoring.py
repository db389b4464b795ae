"""The model and its rivals on the same windows: all metrics, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.config import RunConfig
from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.errors import DataError
from longshort.metrics import forecasts as metrics
from longshort.metrics.significance import Comparison, compare, echo_check, flatness_check
from longshort.tasks.cell import cell_title
from longshort.tasks.forecast.baselines.table import CONSTANTS, Baselines, decides_by_mae
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.linear import history
from longshort.tasks.forecast.sentence import Standing, sentence
from longshort.tasks.forecast.task import Forecaster
from longshort.train.learning import Tell, untold

MODEL = "model"
_FEW, _MANY = 4, 20
"""Horizons of moments below which the series are compared, and how many of them it takes."""


@dataclass(frozen=True)
class Scored:
    """Forecasts of everyone on m windows, one row per origin and column, in the user's units.

    truth [m, H]; forecasts name → [m, H]; quantiles [m, H, Q] of the model, and as they were
    before they were calibrated, where they were; last [m] is the last
    known value; series [m] numbers group · K + column, names [S] are what people call them; moment
    [m] is the grid index of each origin. `notes` says what a reader has to know of a baseline, and
    `titles` what each is called.
    """

    origins: Origins
    series: Ints
    truth: Floats
    last: Floats
    forecasts: dict[str, Floats]
    quantiles: Floats
    uncalibrated: Floats | None
    names: tuple[str, ...]
    moment: Ints
    notes: dict[str, str]
    titles: dict[str, str]


def score_windows(
    forecaster: Forecaster,
    reader: WindowReader,
    origins: Origins,
    baselines: Baselines,
    tell: Tell = untold,
) -> Scored:
    """Forecast every window with the model and every baseline."""
    config, fitted = forecaster.config, forecaster.fitted
    flat = reader.flat(origins)
    tell("forecasting the test windows", 0, 0)
    raw = forecaster.uncalibrated(reader, origins)
    quantiles = forecaster.calibrated(reader, origins, raw)
    forecasts = {MODEL: quantiles[..., config.model.middle]}
    forecasts |= baselines.forecasts(config, fitted, reader, origins)
    panel = reader.panel
    columns = panel.target.shape[1]
    return Scored(
        origins=flat,
        series=flat.group * columns + flat.column,
        truth=reader.truth(flat),
        last=history(panel, flat, 1)[:, 0],
        forecasts=forecasts,
        quantiles=quantiles,
        uncalibrated=None if forecaster.shifts is None else raw,
        names=tuple(
            panel.series_name(g, k) for g in range(panel.num_groups) for k in range(columns)
        ),
        moment=panel.first[flat.group] + flat.row,
        notes=baselines.notes | _notes(config, panel, flat),
        titles=baselines.titles,
    )


def _notes(config: RunConfig, panel: Panel, flat: Origins) -> dict[str, str]:
    """Where the seasonal naive forecast has to make do."""
    season = config.model.season or 1
    if season == 1:
        return {}
    begins = panel.offsets[flat.group] + np.maximum(flat.row - season, 0)
    is_short = (flat.row < season) | np.isnan(panel.filled[begins, flat.column])
    short = int(is_short.sum())
    if not short:
        return {}
    return {
        "seasonal_naive": f"repeats the last value in part of {short:,} windows that have "
        "less than a season before them"
    }


def score_table(scored: Scored, fitted: Fitted, config: RunConfig) -> dict[str, Any]:
    """Metrics of everyone, overall, by step and by series, in user units and z-scored ones."""
    location = fitted.zscore.location.reshape(-1)[scored.series][:, None]
    spread = fitted.zscore.scale.reshape(-1)[scored.series][:, None]
    naive = fitted.naive_error.reshape(-1)
    horizon = scored.truth.shape[1]
    groupings = {
        "overall": (np.zeros((1, 1), np.int64), 1),
        "by_step": (np.arange(horizon)[None, :], horizon),
        "by_series": (scored.series[:, None], len(naive)),
    }
    table: dict[str, Any] = {}
    for name, forecast in scored.forecasts.items():
        entry: dict[str, Any] = {}
        for title, (group, count) in groupings.items():
            values = metrics.grouped(scored.truth, forecast, group, count)
            scaled = metrics.grouped(
                (scored.truth - location) / spread, (forecast - location) / spread, group, count
            )
            values |= {f"scaled_{key}": scaled[key] for key in ("mse", "rmse", "mae", "r2")}
            size = np.where(naive > 0, naive, np.nan)[scored.series][:, None]
            values["mase"] = metrics.mean_by(np.abs(forecast - scored.truth) / size, group, count)
            if name == MODEL and config.model.quantiles:
                for key, each in _quantile_values(scored, config.model.quantiles).items():
                    values[key] = metrics.mean_by(each, group, count)
            entry[title] = {key: value.tolist() for key, value in values.items()}
        overall = {key: value[0] for key, value in entry.pop("overall").items()}
        overall["mase"] = metrics.mase(np.array(entry["by_series"]["mae"], float), naive)
        table[name] = overall | entry
    cleaned: dict[str, Any] = finite_or_none(table)
    return cleaned


def _quantile_values(scored: Scored, levels: tuple[float, ...]) -> dict[str, Floats]:
    """Pinball loss, its mean over the quantiles, and per interval coverage and width, [m, H]."""
    truth = scored.truth
    losses = {
        f"pinball_{level:g}": metrics.pinball(truth, scored.quantiles[..., i], level)
        for i, level in enumerate(levels)
    }
    found = {"pinball": np.asarray(np.mean(list(losses.values()), axis=0)), **losses}
    for i in range(len(levels) // 2):
        low, high = scored.quantiles[..., i], scored.quantiles[..., -1 - i]
        interval = f"{levels[-1 - i] - levels[i]:.6g}"
        found[f"coverage_{interval}"] = _inside(truth, low, high)
        found[f"width_{interval}"] = np.where(np.isnan(truth), np.nan, high - low)
        if scored.uncalibrated is not None:
            before = scored.uncalibrated
            found[f"coverage_{interval}_uncalibrated"] = _inside(
                truth, before[..., i], before[..., -1 - i]
            )
    return found


def coverage_notes(model: dict[str, Any]) -> dict[str, str]:
    """How much of the test part lies in each interval of the model's scores, for people."""
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


def _inside(truth: Floats, low: Floats, high: Floats) -> Floats:
    """1 where the truth lies in the interval, 0 where not, NaN where it is unknown."""
    inside = ((truth >= low) & (truth <= high)).astype(np.float64)
    return np.where(np.isnan(truth), np.nan, inside)


@dataclass(frozen=True)
class Verdict:
    """Whether the model earned its place, in a sentence, and the numbers behind it."""

    text: str
    rival: str
    metric: str
    comparison: Comparison
    echo: dict[str, Any]
    flatness: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `scores.json`."""
        return {
            "verdict": self.text,
            "best_rival": self.rival,
            "metric": self.metric,
            "outcome": self.comparison.outcome,
            "gain": self.comparison.gain,
            "gain_95": [self.comparison.low, self.comparison.high],
            "echo": self.echo,
            "flatness": self.flatness,
        }


def give_verdict(scored: Scored, fitted: Fitted, config: RunConfig) -> Verdict:
    """Compare with the best baseline in the metric that the loss stands for, on scaled values."""
    metric = "MAE" if decides_by_mae(config) else "MSE"
    spread = fitted.zscore.scale.reshape(-1)[scored.series][:, None]
    units, unit, block = _units(scored)

    def loss(forecast: Floats) -> Floats:
        error = (forecast - scored.truth) / spread
        each = error**2 if metric == "MSE" else np.abs(error)
        mean = metrics.mean_by(each, units[:, None], int(units.max()) + 1)
        return mean[~np.isnan(mean)]

    losses = {name: loss(forecast) for name, forecast in scored.forecasts.items()}
    if not len(losses[MODEL]):
        raise DataError("no window with a known value belongs to a series with training rows")
    means = {name: float(each.mean()) for name, each in losses.items() if name != MODEL}
    best = min(means, key=lambda name: means[name])
    result = compare(losses[MODEL], losses[best], block)
    constant = min(sorted(CONSTANTS & means.keys()), key=lambda name: means[name])
    model = scored.forecasts[MODEL]
    echo = echo_check(scored.truth / spread, model / spread, scored.last / spread[:, 0])
    flatness = flatness_check(scored.truth, model)
    standing = Standing(
        cell=cell_title(config.model),
        metric=f"scaled {metric}",
        title=scored.titles[best],
        basis=f"{len(scored.truth):,} test windows, {len(losses[MODEL]):,} {unit}",
        losses=(float(losses[MODEL].mean()), means[best]),
        constant=scored.titles[constant],
        over_constant=compare(losses[best], losses[constant], block),
        r2=_r2(model, scored.truth),
    )
    text = sentence(result, standing)
    if echo["is_echo"]:
        text += " Beware: the forecast is close to an echo of the last known value."
    if flatness["is_flat"] and standing.is_learnable:
        text += " Beware: the forecast is flat where the truth moves."
    return Verdict(text, best, metric, result, echo, flatness)


def _r2(forecast: Floats, truth: Floats) -> float:
    overall = metrics.grouped(truth, forecast, np.zeros((1, 1), np.int64), 1)
    return float(overall["r2"][0])


def _units(scored: Scored) -> tuple[Ints, str, int]:
    """What is compared one by one: moments in time order, of which a horizon overlaps; or series,
    where moments are too few to tell and series many. Series share shocks: moments come first.
    """
    moments, number = np.unique(scored.moment, return_inverse=True)
    gaps = np.diff(moments)
    apart = int(gaps.min()) if gaps.size else 1
    block = -(-scored.truth.shape[1] // apart)
    series, place = np.unique(scored.series, return_inverse=True)
    if len(moments) < _FEW * block and len(series) >= _MANY:
        return place, "series, taken as independent", 0
    return number, "forecast origins", block


def finite_or_none(value: Any) -> Any:
    """Nested values with NaN and infinity replaced by None, since JSON has neither."""
    if isinstance(value, dict):
        return {key: finite_or_none(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite_or_none(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value

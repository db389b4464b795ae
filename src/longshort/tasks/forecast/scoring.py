"""The model and its rivals on the same windows: all metrics, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.config import RunConfig
from longshort.data.panel import Floats
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.evaluate import metrics
from longshort.evaluate.baselines import Baseline, Drift, LastValue, LinearLags, SeasonalNaive
from longshort.evaluate.honesty import Comparison, compare, echo_check, flatness_check
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.task import Forecaster, flat_columns, history

MODEL = "model"
_TITLES = {
    "last_value": "the last value",
    "seasonal_naive": "the seasonal naive forecast",
    "drift": "the drift forecast",
    "linear": "the linear model on the lags",
}
_NOTE_GAIN = 0.01
_PIECE = 4096


@dataclass(frozen=True)
class Scored:
    """Forecasts of everyone on m windows, one row per origin and column, in the user's units.

    truth [m, H]; forecasts name → [m, H]; quantiles [m, H, Q] of the model; series [m] numbers
    group · K + column.
    """

    origins: Origins
    series: Ints
    truth: Floats
    last: Floats
    forecasts: dict[str, Floats]
    quantiles: Floats
    not_run: dict[str, str]


def score_windows(
    forecaster: Forecaster, reader: WindowReader, origins: Origins, linear: LinearLags
) -> Scored:
    """Forecast every window with the model and every rival."""
    config = forecaster.config
    flat = reader.flat(origins)
    quantiles = forecaster.forecast(reader, origins)
    forecasts = {MODEL: quantiles[..., quantiles.shape[2] // 2]}
    rivals, not_run = _rivals(config, flat)
    length = max(config.model.season or 1, reader.context)
    past = history(reader.panel, flat, length)
    for rival in rivals:
        forecasts[rival.name] = rival.forecast(past, reader.horizon)
    forecasts[linear.name] = _linear(linear, forecaster.fitted, reader, origins, flat)
    return Scored(
        flat,
        flat.group * reader.panel.target.shape[1] + flat.column,
        reader.truth(flat),
        past[:, -1],
        forecasts,
        quantiles,
        not_run,
    )


def _rivals(config: RunConfig, flat: Origins) -> tuple[list[Baseline], dict[str, str]]:
    season = config.model.season or 1
    rivals: list[Baseline] = [LastValue(), Drift(config.model.context_length or 1)]
    not_run = {}
    if season == 1:
        not_run[SeasonalNaive.name] = "no season was found or given (model.season = 1)"
    elif int(flat.row.min()) < season:
        not_run[SeasonalNaive.name] = f"some windows have less than a season ({season}) before them"
    else:
        rivals.append(SeasonalNaive(season))
    return rivals, not_run


def _linear(
    linear: LinearLags, fitted: Fitted, reader: WindowReader, origins: Origins, flat: Origins
) -> Floats:
    scaled = [
        linear.forecast(
            flat_columns(reader.gather(origins[i : i + _PIECE]).context), reader.horizon
        )
        for i in range(0, len(origins), _PIECE)
    ]
    before = history(reader.panel, flat, fitted.transform.config.difference)
    return fitted.transform.invert(np.concatenate(scaled), flat.group, flat.column, before)


def score_table(scored: Scored, fitted: Fitted, config: RunConfig) -> dict[str, Any]:
    """Metrics of everyone: overall in user and scaled units, per step, per series."""
    location = fitted.zscore.location.reshape(-1)[scored.series][:, None]
    spread = fitted.zscore.scale.reshape(-1)[scored.series][:, None]
    naive = fitted.naive_error.reshape(-1)
    truth = scored.truth
    scaled_truth = (truth - location) / spread
    table = {}
    for name, forecast in scored.forecasts.items():
        scaled = (forecast - location) / spread
        square, absolute = (scaled - scaled_truth) ** 2, np.abs(scaled - scaled_truth)
        mse = metrics.mse(truth, forecast)
        table[name] = {
            "mse": mse,
            "rmse": mse**0.5,
            "mae": metrics.mae(truth, forecast),
            "r2": metrics.r2(truth, forecast),
            "smape": metrics.smape(truth, forecast),
            "mase": metrics.mase(truth, forecast, naive, scored.series),
            "scaled_mse": float(np.nanmean(square)),
            "scaled_mae": float(np.nanmean(absolute)),
            "by_step": {
                "scaled_mse": metrics.mean_by_step(square).tolist(),
                "scaled_mae": metrics.mean_by_step(absolute).tolist(),
                "mae": metrics.mean_by_step(np.abs(forecast - truth)).tolist(),
            },
            "by_series": {
                "rmse": (
                    metrics.mean_by((forecast - truth) ** 2, scored.series, len(naive)) ** 0.5
                ).tolist(),
                "mae": metrics.mean_by(
                    np.abs(forecast - truth), scored.series, len(naive)
                ).tolist(),
            },
        }
    if config.model.quantiles:
        table[MODEL]["quantiles"] = _quantile_scores(scored, config.model.quantiles)
    cleaned: dict[str, Any] = finite_or_none(table)
    return cleaned


def _quantile_scores(scored: Scored, levels: tuple[float, ...]) -> dict[str, Any]:
    losses = {
        str(level): metrics.pinball(scored.truth, scored.quantiles[..., i], level)
        for i, level in enumerate(levels)
    }
    intervals = {}
    for i in range(len(levels) // 2):
        low, high = scored.quantiles[..., i], scored.quantiles[..., -1 - i]
        nominal = round(levels[-1 - i] - levels[i], 10)
        intervals[str(nominal)] = {
            "coverage": metrics.coverage(scored.truth, low, high),
            "width": metrics.width(scored.truth, low, high),
        }
    mean = float(np.mean(list(losses.values())))
    return {"pinball": mean, "pinball_by_quantile": losses, "intervals": intervals}


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
    """Compare with the best rival in the metric that the loss stands for, on scaled values."""
    metric = "MSE" if config.train.loss == "mse" else "MAE"
    spread = fitted.zscore.scale.reshape(-1)[scored.series][:, None]

    def loss(forecast: Floats) -> Floats:
        error = (forecast - scored.truth) / spread
        each = error**2 if metric == "MSE" else np.abs(error)
        return _mean_by_origin(each, scored.origins)

    losses = {name: loss(forecast) for name, forecast in scored.forecasts.items()}
    rival = min((name for name in losses if name != MODEL), key=lambda n: float(losses[n].mean()))
    block = max(1, (config.model.horizon or 1) // (config.split.stride or 1))
    result = compare(losses[MODEL], losses[rival], block)
    model = scored.forecasts[MODEL]
    echo = echo_check(scored.truth / spread, model / spread, scored.last / spread[:, 0])
    flatness = flatness_check(scored.truth, model)
    text = _sentence(result, rival, metric, len(scored.truth), config)
    if echo["is_echo"]:
        text += " Beware: the forecast is close to an echo of the last known value."
    if flatness["is_flat"]:
        text += " Beware: the forecast is flat where the truth moves."
    return Verdict(text, rival, metric, result, echo, flatness)


def _sentence(result: Comparison, rival: str, metric: str, windows: int, config: RunConfig) -> str:
    cell, title = config.model.cell.upper(), _TITLES[rival]
    margin = f"{abs(result.gain):.1%}"
    span = f"95 % interval {result.low:+.1%} to {result.high:+.1%}"
    if result.outcome == "better":
        small = "; a small gain" if result.gain < _NOTE_GAIN else ""
        return (
            f"The {cell} earned its place: its {metric} is {margin} below that of {title}, the "
            f"best rival, on {windows:,} test windows (gain {span}){small}."
        )
    if result.outcome == "equal":
        return (
            f"The {cell} and {title}, the best rival, cannot be told apart on {windows:,} test "
            f"windows: the {metric} gain is {result.gain:+.1%} ({span}). Prefer the rival: it "
            "is simpler."
        )
    return (
        f"The {cell} did not earn its place: its {metric} is {margin} above that of {title} on "
        f"{windows:,} test windows (gain {span}). Use the rival."
    )


def _mean_by_origin(each: Floats, origins: Origins) -> Floats:
    """Mean of [m, H] over all series that share an origin's row, in time order, [origins]."""
    _, number = np.unique(origins.row, return_inverse=True)
    mean = metrics.mean_by(each, number, int(number.max()) + 1)
    return mean[~np.isnan(mean)]


def finite_or_none(value: Any) -> Any:
    """Nested values with NaN and infinity replaced by None, since JSON has neither."""
    if isinstance(value, dict):
        return {key: finite_or_none(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite_or_none(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value

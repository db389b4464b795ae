"""The report of a forecast: what comes next, forecasts against truth, errors, and proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats, Panel
from longshort.report import plots
from longshort.report.sections import Block, Checks, Note, Picture, Section, Table
from longshort.report.table import shown
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.predict import Prediction, predict
from longshort.tasks.forecast.series import Series
from longshort.tasks.forecast.task import AnySeries
from longshort.tasks.forecast.windows import Forecasts

ForecastResult = Result[ForecastConfig, AnySeries, ForecastEncoder, Forecasts]

_WINDOWS, _MAX_POINTS = 6, 4000
_SERIES, _NAMED, _WORST = 6, 5, 20


def sections(result: ForecastResult) -> list[Section]:
    """In the order of the page."""
    timeline = _timeline(result)
    model, scores, config = result.model, result.scores, result.config
    panel = timeline.dataset.ahead or timeline.panel
    ahead = predict(model, panel, config.model.horizon or 1)
    entries = {MODEL: scores["test"][MODEL], **scores["test"]["baselines"]}
    key = scores["metric"]
    by_step = {name: entry["by_step"][key] for name, entry in entries.items()}
    windows = Picture(plots.forecast_windows(_windows(result)))
    even = Note("Test windows at even ranks from the easiest to the hardest, not picked by eye.")
    title = f"{key.removeprefix('scaled_').upper()} on scaled values"
    found = [
        *_intervals(scores),
        Section("What comes next", _ahead(result, ahead)),
        Section("Forecast against truth", [windows, even]),
        Section("Error by step of the horizon", [Picture(plots.error_by_step(by_step, title))]),
        Section("Is it real?", [Checks(_checks(scores))]),
    ]
    residuals = _residuals(result)
    if residuals:
        found.append(Section("Residuals over time", [Picture(residuals)]))
    series = _series(result)
    if series:
        worst = Note(
            "Where the model does worst relative to its best baseline comes first; at most "
            f"{_WORST} are shown."
        )
        found.append(Section("By series", [Table(series), worst]))
    return found


def _timeline(result: ForecastResult) -> Any:
    train = result.splits.train
    assert isinstance(train, Series)
    return train.timeline


def _panel(result: ForecastResult) -> Panel:
    panel: Panel = _timeline(result).panel
    return panel


def _intervals(scores: dict[str, Any]) -> list[Section]:
    rows = _quantiles(scores)
    return [Section("Intervals", [Table(rows)])] if rows else []


def _ahead(result: ForecastResult, ahead: Prediction) -> list[Block]:
    """The forecast past the end of the data, and why series have none."""
    horizon = result.config.model.horizon or 1
    blocks: list[Block] = []
    if len(ahead.origins):
        count = min(_SERIES, len(ahead.origins))
        places = np.unique(np.linspace(0, len(ahead.origins) - 1, count).round().astype(int))
        pictures = [_window_ahead(result, ahead, int(place)) for place in places]
        some = "; series at even places of their list" if len(ahead.origins) > _SERIES else ""
        text = (
            f"Past the end of the data, {horizon} steps of each series{some}. `longshort predict` "
            "writes these numbers to a file."
        )
        blocks += [Picture(plots.forecast_windows(pictures)), Note(text)]
    return [*blocks, *(Note(line) for line in left_out(ahead))]


def _window_ahead(result: ForecastResult, ahead: Prediction, place: int) -> plots.Window:
    panel, origins = _panel(result), ahead.origins
    group, column, end = (int(each[place]) for each in (origins.group, origins.column, origins.row))
    horizon, levels = result.config.model.horizon or 1, result.config.model.quantiles
    first, begin = max(0, end - history_shown(horizon)), panel.offsets[group]
    rows = ahead.table[place * horizon : (place + 1) * horizon]
    window = plots.Window(
        panel.series_name(group, column),
        panel.stamps(group, np.arange(first, end + horizon)),
        panel.target[begin + first : begin + end, column],
        rows["yhat"].to_numpy(),
    )
    if len(levels) < 2:
        return window
    return with_band(window, rows.select(f"q{level:g}" for level in levels).to_numpy(), levels)


def left_out(ahead: Prediction) -> list[str]:
    """Series without a forecast, grouped by the reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in ahead.skipped.items():
        by_reason.setdefault(reason, []).append(name)
    lines = [f"Note: {note}." for note in ahead.notes]
    for reason, names in by_reason.items():
        some = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        count = f"{len(names):,} series ({some})" if len(names) > 1 else some
        lines.append(f"No forecast for {count}: {reason}.")
    return lines


def history_shown(horizon: int) -> int:
    """Steps of the past beside a forecast."""
    return 2 * horizon + 12


def with_band(window: plots.Window, quantiles: Floats, levels: Sequence[float]) -> plots.Window:
    """With the outermost interval of the quantiles [H, Q]."""
    band = f"{levels[-1] - levels[0]:.0%} interval"
    return replace(window, low=quantiles[:, 0], high=quantiles[:, -1], band=band)


def _quantiles(scores: dict[str, Any]) -> list[list[str]]:
    model = scores["test"]["model"]
    rows = [["interval", "covers", "before calibration", "mean width"]]
    for key, width in model.items():
        if key.startswith("width_"):
            interval = key.removeprefix("width_")
            covered = model[f"coverage_{interval}"]
            before = model.get(f"coverage_{interval}_uncalibrated")
            told = "not calibrated" if before is None else f"{before:.1%}"
            rows.append([f"{float(interval):.0%}", f"{covered:.1%}", told, shown(width)])
    return rows if len(rows) > 1 else []


def _checks(scores: dict[str, Any]) -> list[tuple[str, bool, str]]:
    echo, flat = scores["echo"], scores["flatness"]
    checks = [
        (
            "Echo",
            not echo["is_echo"],
            "forecast changes correlate with true changes at "
            f"{echo['correlation_of_changes']:.2f} and are {echo['size_of_changes']:.0%} of their "
            "size (an echo of the last value has neither)",
        )
    ]
    if flat["variation"] is not None:
        checks.append(
            (
                "Flatness",
                not flat["is_flat"],
                f"the forecast varies over the horizon {flat['variation']:.0%} as much as truth",
            )
        )
    proof = scores["leakage"]
    checks.append(
        (
            "Leakage",
            not proof["is_leaking"],
            f"at {proof['probes']} origins everything later was replaced by noise, and "
            + (
                "the forecast moved"
                if proof["is_leaking"]
                else "no bit of the fit or the forecast changed"
            ),
        )
    )
    return checks


def _windows(result: ForecastResult) -> list[plots.Window]:
    """Windows at even ranks from the easiest to the hardest, so that none is picked by taste."""
    model = result.scored.predictions[MODEL]
    error = np.abs(model.values - model.held.truth)
    complete = np.flatnonzero(~np.isnan(error).any(axis=1))
    if not complete.size:
        complete = np.arange(len(error))
    scale = np.nanstd(_panel(result).target, axis=0)[model.held.origins.column[complete]]
    order = complete[np.argsort(error[complete].mean(1) / np.maximum(scale, 1e-12))]
    shares = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)[:_WINDOWS]
    picks = [int(order[min(len(order) - 1, int(share * len(order)))]) for share in shares]
    picks = list(dict.fromkeys(picks))
    return [_window(result, number, order) for number in picks]


def _window(result: ForecastResult, number: int, order: NDArray[np.int64]) -> plots.Window:
    found, panel, best = result.scored.predictions, _panel(result), result.scored.best
    model = found[MODEL]
    origin = model.held.origins[number : number + 1]
    group, column, row = int(origin.group[0]), int(origin.column[0]), int(origin.row[0])
    horizon = model.held.truth.shape[1]
    first = max(0, row - history_shown(horizon))
    begin = panel.offsets[group]
    rank = int(np.flatnonzero(order == number)[0]) / max(1, len(order) - 1)
    named = panel.series_name(group, column)
    window = plots.Window(
        f"{named} from {panel.stamps(group, np.array([row]))[0]} (harder than {rank:.0%})",
        panel.stamps(group, np.arange(first, row + horizon)),
        panel.target[begin + first : begin + row, column],
        model.values[number],
        model.held.truth[number],
        found[best].values[number],
        best,
    )
    levels = result.config.model.quantiles
    if len(levels) < 2 or model.quantiles is None:
        return window
    return with_band(window, model.quantiles[number], levels)


def _residuals(result: ForecastResult) -> str:
    model, panel = result.scored.predictions[MODEL], _panel(result)
    held = model.held
    residual = (held.truth - model.values)[:, 0]
    index = panel.first[held.origins.group] + held.origins.row
    known = np.flatnonzero(~np.isnan(residual))
    known = known[:: max(1, len(known) // _MAX_POINTS)]
    if not known.size:
        return ""
    return plots.residuals_over_time(
        index[known].astype(float),
        residual[known],
        lambda places: panel.stamps(0, np.array(places) - panel.first[0]),
    )


def _series(result: ForecastResult) -> list[list[str]]:
    """Per series: MAE of the model and of the best baseline; the worst of many."""
    scores, best = result.scores, result.scored.best
    names = scores["series"]
    model = scores["test"][MODEL]["by_series"]["mae"]
    other = scores["test"]["baselines"][best]["by_series"]["mae"]
    if len(model) < 2:
        return []
    known = [i for i in range(len(model)) if model[i] is not None]
    known.sort(key=lambda i: model[i] / (other[i] or 1e-12), reverse=True)
    rows = [["series", "model MAE", f"{best} MAE", "ratio"]]
    for i in known[:_WORST]:
        ratio = model[i] / other[i] if other[i] else float("nan")
        rows.append([names[i], shown(model[i]), shown(other[i]), shown(ratio)])
    return rows

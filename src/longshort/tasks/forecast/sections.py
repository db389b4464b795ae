"""The report of a forecast: what comes next, forecasts against truth, errors, and proofs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from longshort.data.panel import Floats
from longshort.data.windows import Origins
from longshort.report import plots
from longshort.report.sections import Block, Checks, Note, Picture, Section, Table
from longshort.report.table import shown
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.forecast.ahead import Prediction, predict
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.series import AnySeries
from longshort.tasks.forecast.task import timeline_of
from longshort.tasks.forecast.windows import Forecasts

ForecastResult = Result[ForecastConfig, AnySeries, ForecastEncoder, Forecasts]

_MAX_POINTS = 4000
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
_SERIES, _NAMED, _WORST = 6, 5, 20


def sections(result: ForecastResult) -> list[Section]:
    """Return the sections in the order of the page; those without content are left out."""
    timeline, model, scores = timeline_of(result.splits.train), result.model, result.scores
    panel = timeline.dataset.ahead or timeline.panel
    ahead = predict(model, panel, model.config.model.horizon or 1)
    entries = {MODEL: scores["test"][MODEL], **scores["test"]["baselines"]}
    key = scores["metric"]
    by_step = {name: entry["by_step"][key] for name, entry in entries.items()}
    windows = Picture("windows", plots.forecast_windows(_windows(result)))
    even = Note("Test windows at even ranks from the easiest to the hardest, not picked by eye.")
    title = f"{key.removeprefix('scaled_').upper()} on scaled values"
    worst = Note(
        "Where the model does worst relative to its best baseline comes first; at most "
        f"{_WORST} are shown."
    )
    residuals, intervals, series = _residuals(result), _intervals(scores), _series(result)
    found = [
        Section("Intervals", [Table(intervals)] if intervals else []),
        Section("What comes next", _ahead(result, ahead)),
        Section("Forecast against truth", [windows, even]),
        Section(
            "Error by step of the horizon",
            [Picture("error_by_step", plots.error_by_step(by_step, title))],
        ),
        Section("Is it real?", [Checks(_checks(scores))]),
        Section("Residuals over time", [Picture("residuals", residuals)] if residuals else []),
        Section("By series", [Table(series), worst] if series else []),
    ]
    return [section for section in found if section.blocks]


def _ahead(result: ForecastResult, ahead: Prediction) -> list[Block]:
    """Return the forecast past the end of the data, and why series have none."""
    horizon, count = result.config.model.horizon or 1, len(ahead.origins)
    blocks: list[Block] = []
    if count:
        places = np.unique(np.linspace(0, count - 1, min(_SERIES, count)).round().astype(int))
        pictures = [_window_ahead(result, ahead, int(place)) for place in places]
        some = "; series at even places of their list" if count > _SERIES else ""
        text = (
            f"Past the end of the data, {horizon} steps of each series{some}. `longshort predict` "
            "writes these numbers to a file."
        )
        blocks += [Picture("ahead", plots.forecast_windows(pictures)), Note(text)]
    return [*blocks, *(Note(line) for line in _left_out(ahead))]


def _window_ahead(result: ForecastResult, ahead: Prediction, place: int) -> plots.Window:
    horizon, levels = result.config.model.horizon or 1, result.config.model.quantiles
    rows = ahead.table[place * horizon : (place + 1) * horizon]
    quantiles = rows.select(f"q{level:g}" for level in levels).to_numpy()
    return _window(result, ahead.origins[place : place + 1], rows["yhat"].to_numpy(), quantiles)


def _window(
    result: ForecastResult, origin: Origins, values: Floats, quantiles: Floats | None
) -> plots.Window:
    """Return a plot of a forecast [H] from one origin, after some of its past.

    It shows the outermost interval of the quantiles [H, Q].
    """
    panel, levels, horizon = result.splits.train.panel, result.config.model.quantiles, len(values)
    group, column, row = (int(each[0]) for each in (origin.group, origin.column, origin.row))
    first, begin = max(0, row - 2 * horizon - 12), panel.offsets[group]
    window = plots.Window(
        panel.series_name(group, column),
        panel.stamps(group, np.arange(first, row + horizon)),
        panel.target[begin + first : begin + row, column],
        values,
    )
    if len(levels) < 2 or quantiles is None:
        return window
    band = f"{levels[-1] - levels[0]:.0%} interval"
    return replace(window, low=quantiles[:, 0], high=quantiles[:, -1], band=band)


def _left_out(ahead: Prediction) -> list[str]:
    """Return remarks, and series without a forecast, grouped by the reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in ahead.skipped.items():
        by_reason.setdefault(reason, []).append(name)
    lines = [f"Note: {note}." for note in ahead.notes]
    for reason, names in by_reason.items():
        some = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        count = f"{len(names):,} series ({some})" if len(names) > 1 else some
        lines.append(f"No forecast for {count}: {reason}.")
    return lines


def _intervals(scores: dict[str, Any]) -> list[list[str]]:
    """Return a table of the share that each interval covers, before and after calibration.

    It is empty without intervals.
    """
    model = scores["test"]["model"]
    rows = [["interval", "covers", "before calibration", "mean width"]]
    for key, width in model.items():
        if key.startswith("width_"):
            interval = key.removeprefix("width_")
            covered = model[f"coverage_{interval}"]
            before = model.get(f"coverage_{interval}_uncalibrated")
            uncalibrated = "not calibrated" if before is None else f"{before:.1%}"
            rows.append([f"{float(interval):.0%}", f"{covered:.1%}", uncalibrated, shown(width)])
    return rows if len(rows) > 1 else []


def _checks(scores: dict[str, Any]) -> list[tuple[str, bool, str]]:
    """Return for each check its title, whether it is passed, and what was found."""
    echo, flat, proof = scores["echo"], scores["flatness"], scores["leakage"]
    follows = (
        "forecast changes correlate with true changes at "
        f"{echo['correlation_of_changes']:.2f} and are {echo['size_of_changes']:.0%} of their "
        "size (an echo of the last value has neither)"
    )
    found = [("Echo", not echo["is_echo"], follows)]
    if flat["variation"] is not None:
        text = f"the forecast varies over the horizon {flat['variation']:.0%} as much as truth"
        found.append(("Flatness", not flat["is_flat"], text))
    moved = (
        "the forecast moved"
        if proof["is_leaking"]
        else ("no bit of the fit or the forecast changed")
    )
    text = f"at {proof['probes']} origins everything later was replaced by noise, and {moved}"
    return [*found, ("Leakage", not proof["is_leaking"], text)]


def _windows(result: ForecastResult) -> list[plots.Window]:
    """Return windows at even ranks from the easiest to the hardest, not picked by taste."""
    model = result.scored.predictions[MODEL]
    error = np.abs(model.values - model.held.truth)
    complete = np.flatnonzero(~np.isnan(error).any(axis=1))
    if not complete.size:
        complete = np.arange(len(error))
    scale = np.nanstd(result.splits.train.panel.target, axis=0)[model.held.origins.column[complete]]
    order = complete[np.argsort(error[complete].mean(1) / np.maximum(scale, 1e-12))]
    ranks = dict.fromkeys(min(len(order) - 1, int(share * len(order))) for share in _SHARES)
    hard = (f"harder than {rank / max(1, len(order) - 1):.0%}" for rank in ranks)
    return [_test_window(result, int(order[n]), how) for n, how in zip(ranks, hard, strict=True)]


def _test_window(result: ForecastResult, number: int, how_hard: str) -> plots.Window:
    found, panel, best = result.scored.predictions, result.splits.train.panel, result.scored.best
    model = found[MODEL]
    origin = model.held.origins[number : number + 1]
    quantiles = None if model.quantiles is None else model.quantiles[number]
    window = _window(result, origin, model.values[number], quantiles)
    begin = panel.stamps(int(origin.group[0]), origin.row)[0]
    return replace(
        window,
        title=f"{window.title} from {begin} ({how_hard})",
        truth=model.held.truth[number],
        baseline=found[best].values[number],
        baseline_name=best,
    )


def _residuals(result: ForecastResult) -> Figure | None:
    model, panel = result.scored.predictions[MODEL], result.splits.train.panel
    held = model.held
    residual = (held.truth - model.values)[:, 0]
    index = panel.first[held.origins.group] + held.origins.row
    known = np.flatnonzero(~np.isnan(residual))
    known = known[:: max(1, len(known) // _MAX_POINTS)]
    if not known.size:
        return None
    return plots.residuals_over_time(
        index[known].astype(float),
        residual[known],
        lambda places: panel.stamps(0, np.array(places) - panel.first[0]),
    )


def _series(result: ForecastResult) -> list[list[str]]:
    """Return a table of MAE by series, of the model and of the best baseline; the worst of many."""
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

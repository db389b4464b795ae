"""The report of a forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config import to_toml
from longshort.report import plots
from longshort.report.ahead import ahead_picture, history_shown, left_out, with_band
from longshort.report.content import ReportInput, score_rows, shown
from longshort.report.render import render
from longshort.tasks.forecast.scoring import MODEL

_WINDOWS = 6
_MAX_POINTS = 4000


def build_report(report: ReportInput, folder: Path) -> str:
    """Render the page."""
    return render("forecast.html.j2", _content(report, folder))


def _content(report: ReportInput, folder: Path) -> dict[str, Any]:
    config, scores, panel = report.config, report.scores, report.dataset.panel
    entries = {MODEL: scores["test"]["model"], **scores["test"]["baselines"]}
    step_metric = "scaled_mse" if scores["metric"] == "MSE" else "scaled_mae"
    label = f"{scores['metric']} on scaled values"
    return {
        "title": f"Forecast of {', '.join(report.dataset.schema.target[:3])}",
        "verdict": scores["verdict"],
        "outcome": scores["outcome"],
        "rows": score_rows(scores),
        "notes": scores["notes"],
        "quantiles": _quantiles(scores),
        "checks": _checks(scores),
        "ahead_svg": ahead_picture(report),
        "left_out": left_out(report),
        "windows_svg": plots.forecast_windows(_windows(report)),
        "steps_svg": plots.error_by_step(
            {name: entry["by_step"][step_metric] for name, entry in entries.items()}, label
        ),
        "training_svg": plots.training_curves(
            report.result.history, report.result.best_epoch, scores["training"]["measure"]
        ),
        "training": scores["training"],
        "residuals_svg": _residuals(report),
        "series": _series(report),
        "findings": report.dataset.findings,
        "data": report.dataset.describe(),
        "split": report.split.describe(panel),
        "settings": to_toml(config),
        "environment": report.environment,
        "reproduce": _reproduce(report, folder),
        "config": config,
        "windows": scores["windows"],
    }


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


def _windows(report: ReportInput) -> list[plots.Window]:
    """Windows at even ranks from the easiest to the hardest, so that none is picked by taste."""
    scored = report.scored
    error = np.abs(scored.forecasts[MODEL] - scored.truth)
    spread = report.dataset.panel.target
    complete = np.flatnonzero(~np.isnan(error).any(axis=1))
    if not complete.size:
        complete = np.arange(len(error))
    scale = np.nanstd(spread, axis=0)[scored.origins.column[complete]]
    order = complete[np.argsort(error[complete].mean(1) / np.maximum(scale, 1e-12))]
    shares = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)[:_WINDOWS]
    picks = [int(order[min(len(order) - 1, int(share * len(order)))]) for share in shares]
    picks = list(dict.fromkeys(picks))
    return [_window(report, number, order) for number in picks]


def _window(report: ReportInput, number: int, order: NDArray[np.int64]) -> plots.Window:
    scored, panel = report.scored, report.dataset.panel
    origin = scored.origins[number : number + 1]
    group, column, row = int(origin.group[0]), int(origin.column[0]), int(origin.row[0])
    horizon = scored.truth.shape[1]
    first = max(0, row - history_shown(horizon))
    begin = panel.offsets[group]
    rank = int(np.flatnonzero(order == number)[0]) / max(1, len(order) - 1)
    named, rival = panel.series_name(group, column), report.verdict.rival
    window = plots.Window(
        f"{named} from {panel.stamps(group, np.array([row]))[0]} (harder than {rank:.0%})",
        panel.stamps(group, np.arange(first, row + horizon)),
        panel.target[begin + first : begin + row, column],
        scored.forecasts[MODEL][number],
        scored.truth[number],
        scored.forecasts[rival][number],
        rival,
    )
    levels = report.config.model.quantiles
    return with_band(window, scored.quantiles[number], levels) if len(levels) > 1 else window


def _residuals(report: ReportInput) -> str:
    scored, panel = report.scored, report.dataset.panel
    residual = (scored.truth - scored.forecasts[MODEL])[:, 0]
    index = panel.first[scored.origins.group] + scored.origins.row
    known = np.flatnonzero(~np.isnan(residual))
    known = known[:: max(1, len(known) // _MAX_POINTS)]
    if not known.size:
        return ""
    return plots.residuals_over_time(
        index[known].astype(float),
        residual[known],
        lambda places: panel.stamps(0, np.array(places) - panel.first[0]),
    )


def _series(report: ReportInput) -> list[list[str]]:
    """Per series: MAE of the model and of the best baseline; the worst twenty of many."""
    scores, panel = report.scores, report.dataset.panel
    model = scores["test"]["model"]["by_series"]["mae"]
    rival = scores["test"]["baselines"][report.verdict.rival]["by_series"]["mae"]
    if len(model) < 2:
        return []
    columns = panel.target.shape[1]
    known = [i for i in range(len(model)) if model[i] is not None]
    known.sort(key=lambda i: model[i] / (rival[i] or 1e-12), reverse=True)
    rows = [["series", "model MAE", f"{report.verdict.rival} MAE", "ratio"]]
    for i in known[:20]:
        ratio = model[i] / rival[i] if rival[i] else float("nan")
        rows.append(
            [
                panel.series_name(i // columns, i % columns),
                shown(model[i]),
                shown(rival[i]),
                shown(ratio),
            ]
        )
    return rows


def _reproduce(report: ReportInput, folder: Path) -> str:
    data = report.dataset.source.path or "DATA"
    return f"longshort run {data} --config {folder / 'config.toml'} --out NEW_FOLDER"

"""The forecast past the end of the data, and why series have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from longshort.data.panel import Floats
from longshort.report import plots
from longshort.report.content import ReportInput

_SERIES = 6
_NAMED = 5


def history_shown(horizon: int) -> int:
    """Steps of the past beside a forecast."""
    return 2 * horizon + 12


def with_band(window: plots.Window, quantiles: Floats, levels: Sequence[float]) -> plots.Window:
    """With the outermost interval of the quantiles [H, Q]."""
    band = f"{levels[-1] - levels[0]:.0%} interval"
    return replace(window, low=quantiles[:, 0], high=quantiles[:, -1], band=band)


def ahead_picture(report: ReportInput) -> str:
    """Forecasts of series at even places of their list; empty where none could be made."""
    origins = report.ahead.origins
    if not len(origins):
        return ""
    shown = min(_SERIES, len(origins))
    places = np.unique(np.linspace(0, len(origins) - 1, shown).round().astype(int))
    return plots.forecast_windows([_window(report, int(place)) for place in places])


def _window(report: ReportInput, place: int) -> plots.Window:
    panel, origins = report.dataset.panel, report.ahead.origins
    group, column, end = (int(each[place]) for each in (origins.group, origins.column, origins.row))
    horizon, levels = report.config.model.horizon or 1, report.config.model.quantiles
    first, begin = max(0, end - history_shown(horizon)), panel.offsets[group]
    rows = report.ahead.table[place * horizon : (place + 1) * horizon]
    window = plots.Window(
        panel.series_name(group, column),
        panel.stamps(group, np.arange(first, end + horizon)),
        panel.target[begin + first : begin + end, column],
        rows["yhat"].to_numpy(),
    )
    if len(levels) < 2:
        return window
    return with_band(window, rows.select(f"q{level:g}" for level in levels).to_numpy(), levels)


def left_out(report: ReportInput) -> list[str]:
    """Series without a forecast, grouped by the reason."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in report.ahead.skipped.items():
        by_reason.setdefault(reason, []).append(name)
    lines = [f"Note: {note}." for note in report.ahead.notes]
    for reason, names in by_reason.items():
        shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        count = f"{len(names):,} series ({shown})" if len(names) > 1 else shown
        lines.append(f"No forecast for {count}: {reason}.")
    return lines

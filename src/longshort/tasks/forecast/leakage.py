"""The leakage proof: change the future, and the fitted numbers and the forecasts must not move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from longshort.data.panel import Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.task import Forecaster, ForecastTask

_PROBES = 3


def leakage_proof(task: ForecastTask, origins: Origins) -> dict[str, Any]:
    """At a few of these origins, replace all later targets and past covariates by noise.

    Everything fitted on the training rows, and the forecasts from these origins, must be equal to
    the bit.
    """
    picks = np.unique(np.linspace(0, len(origins) - 1, _PROBES).astype(int))
    leaks = 0
    for pick in picks:
        origin = origins[pick : pick + 1]
        changed = _with_other_future(task.panel, task.split.end["train"], origin)
        refitted = type(task.fitted).fit(changed, task.split, task.config)
        same_fit = _equal(task.fitted, refitted)
        before, after = (
            Forecaster(task.config, fitted, task.network).forecast(
                fitted.reader(panel, task.config), origin
            )
            for fitted, panel in ((task.fitted, task.panel), (refitted, changed))
        )
        leaks += not (same_fit and np.array_equal(before, after))
    return {"is_leaking": leaks > 0, "probes": len(picks)}


def _with_other_future(panel: Panel, trained: Ints, origin: Origins) -> Panel:
    """Every row from the origin's moment on that was not trained on, replaced."""
    moment = panel.first[origin.group[0]] + origin.row[0]
    row = np.arange(panel.num_rows) - np.repeat(panel.offsets[:-1], panel.lengths)
    later = (panel.index() >= moment) & (row >= np.repeat(trained, panel.lengths))
    draw = np.random.default_rng(0)

    def other(values: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
        noise = np.abs(draw.normal(size=values.shape)) * (
            1.0 + np.nanmax(np.abs(values), initial=1)
        )
        return np.where(later[:, None], noise, values)

    return replace(panel, target=other(panel.target), past=other(panel.past))


def _equal(a: Fitted, b: Fitted) -> bool:
    pairs = [
        (a.transform.location, b.transform.location),
        (a.transform.scale, b.transform.scale),
        (a.naive_error, b.naive_error),
        (a.past.mean, b.past.mean),
        (a.past.deviation, b.past.deviation),
    ]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)

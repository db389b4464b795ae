"""The leakage proof: change the future, and the fitted numbers and the forecasts must not move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats, Panel
from longshort.data.windows import Origins
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.forecaster import Forecaster
from longshort.tasks.forecast.series import Timeline

_PROBES = 3


def leakage_proof(forecaster: Forecaster, timeline: Timeline, origins: Origins) -> dict[str, Any]:
    """Replace what must not be known by noise, and see whether a bit changes.

    Numbers fitted on the training rows must not move with anything after those rows; the forecasts
    of a few of these origins must not move with later targets and past covariates.
    """
    config, fitted, panel, split = (
        forecaster.config, forecaster.fitted, timeline.panel, timeline.split,
    )  # fmt: skip
    row = np.arange(panel.num_rows) - np.repeat(panel.offsets[:-1], panel.lengths)
    untrained = row >= np.repeat(split.end["train"], panel.lengths)
    refit = type(fitted).fit(_noisy(panel, untrained), split, config)
    is_fit_leaking = not _equal(fitted, refit)
    picks = np.unique(np.linspace(0, len(origins) - 1, _PROBES).astype(int))
    leaks = 0
    for pick in picks:
        origin = origins[pick : pick + 1]
        moment = panel.first[origin.group[0]] + origin.row[0]
        changed = _noisy(panel, (panel.index() >= moment) & untrained)
        before, after = (
            forecaster.forecast(fitted.reader(each, config), origin) for each in (panel, changed)
        )
        leaks += not np.array_equal(before, after)
    return {"is_leaking": leaks > 0 or is_fit_leaking, "probes": len(picks)}


def _noisy(panel: Panel, later: NDArray[np.bool_]) -> Panel:
    """The panel with targets and past covariates replaced in these rows."""
    draw = np.random.default_rng(0)

    def other(values: Floats) -> Floats:
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
        (a.lowest, b.lowest),
        (a.highest, b.highest),
        (a.effects.weights, b.effects.weights),
        (a.effects.centre, b.effects.centre),
        (a.past.mean, b.past.mean),
        (a.past.deviation, b.past.deviation),
    ]
    return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)

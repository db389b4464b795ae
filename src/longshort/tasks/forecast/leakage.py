"""The leakage proof: if the future is changed, the encoder and the forecasts must not change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.panel import Floats, Panel
from longshort.data.windows import Origins
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import ForecastModel, forecast
from longshort.tasks.forecast.series import Timeline
from longshort.tasks.forecast.windows import Windows

_PROBES = 3


def leakage_proof(model: ForecastModel, timeline: Timeline, origins: Origins) -> dict[str, Any]:
    """Replace by noise what must not be known, and return whether a bit of the result changes.

    The encoder, fitted on the training rows, must not change with anything after those rows. The
    forecasts of a few of these origins must not change with later targets and past covariates.
    """
    encoder, panel, split = model.encoder, timeline.panel, timeline.split
    untrained = ~panel.is_within(split.end["train"])
    refit = type(encoder).fit(_noisy(panel, untrained), split, model.config)
    is_fit_leaking = not _equal(encoder, refit)
    picks = np.unique(np.linspace(0, len(origins) - 1, _PROBES).astype(int))
    leaks = 0
    for pick in picks:
        origin = origins[pick : pick + 1]
        moment = panel.first[origin.group[0]] + origin.row[0]
        changed = _noisy(panel, (panel.index() >= moment) & untrained)
        before, after = (
            forecast(model, Windows(encoder, encoder.reader(each), origin))
            for each in (panel, changed)
        )
        leaks += not np.array_equal(before, after)
    return {"is_leaking": leaks > 0 or is_fit_leaking, "probes": len(picks)}


def leak_warnings(findings: Iterable[Finding]) -> str:
    """Return sentences for the verdict on covariates that equal the target's future."""
    return "".join(f" Beware: {each.message}." for each in findings if each.code == "leak")


def _noisy(panel: Panel, later: NDArray[np.bool_]) -> Panel:
    """Return the panel with noise in place of targets and past covariates in these rows."""
    draw = np.random.default_rng(0)

    def other(values: Floats) -> Floats:
        noise = np.abs(draw.normal(size=values.shape)) * (
            1.0 + np.nanmax(np.abs(values), initial=1)
        )
        return np.where(later[:, None], noise, values)

    return replace(panel, target=other(panel.target), past=other(panel.past))


def _equal(a: ForecastEncoder, b: ForecastEncoder) -> bool:
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

"""The report of anomalies: series and scores, events, and the score of one-liners."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.lazy import polars as pl
from longshort.report import plots
from longshort.report.sections import Block, Note, Picture, Section, Table
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.anomaly.alarms import Alarms
from longshort.tasks.anomaly.baselines import ONE_LINERS
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder
from longshort.tasks.anomaly.samples import Stretch
from longshort.tasks.anomaly.table import event_table, in_units

AnomalyResult = Result[AnomalyConfig, Stretch, AnomalyEncoder, Alarms]

_SERIES, _EVENTS, _POINTS = 4, 20, 4000


def sections(result: AnomalyResult) -> list[Section]:
    """Return the sections in the order of the page."""
    events = event_table(result.model.encoder, result.splits.test, result.scored.predictions[MODEL])
    return [
        Section("Series, scores and alarms", _pictures(result)),
        Section("Events", _events(result, events)),
        *_one_liners(result),
    ]


def _pictures(result: AnomalyResult) -> list[Block]:
    """Return pictures of series at even places of their list, the first channel of each."""
    panel = result.splits.test.panel
    count = min(_SERIES, panel.num_groups)
    chosen = np.unique(np.linspace(0, panel.num_groups - 1, count).round().astype(int))
    drawn = [_watched(result, int(group)) for group in chosen]
    text = (
        "From the last normal rows on; what is behind the grey line was searched. Below, the score "
        "that our alarms rest on and its threshold."
    )
    some = " Series at even places of their list." if panel.num_groups > _SERIES else ""
    return [Picture("alarms", plots.watched_series(drawn)), Note(text + some)]


def _watched(result: AnomalyResult, group: int) -> plots.Watched:
    samples, found = result.splits.test, result.scored.predictions[MODEL]
    panel, encoder = samples.panel, result.model.encoder
    begin, start = int(panel.offsets[group]), int(samples.start[group])
    val = result.splits.val
    first = max(int(val.start[group]), int(samples.end[group]) - _POINTS)
    rows = np.arange(begin + first, begin + int(samples.end[group]))
    expected = None
    if found.expected is not None:
        expected = in_units(encoder, samples, found.expected)[rows, 0]
    return plots.Watched(
        panel.series_name(group, 0),
        panel.stamps(group, rows - begin),
        panel.target[rows, 0],
        found.score[rows],
        float(found.threshold[group]),
        found.flagged[rows],
        max(0, start - first),
        expected,
        None if samples.labels is None else samples.labels[rows],
    )


def _events(result: AnomalyResult, events: pl.DataFrame) -> list[Block]:
    """Return the strongest events first, and how many there are."""
    config = result.config.alarm
    if events.is_empty():
        return [Note("No step behind the normal part was flagged.")]
    strongest = events.sort("score", descending=True).head(_EVENTS)
    rows = [strongest.columns] + [[_cell(value) for value in row] for row in strongest.iter_rows()]
    share = float(result.scores["test"][MODEL]["flagged"])
    text = (
        f"{events.height:,} events, {share:.2%} of the searched steps; "
        f"{config.false_alarms} false alarms were wished. p: the share of normal rows that score "
        "as high; seen and expected: where the first of the channels is furthest off."
    )
    more = f" The {_EVENTS} strongest are shown." if events.height > _EVENTS else ""
    return [Table(rows), Note(text + more)]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _one_liners(result: AnomalyResult) -> list[Section]:
    """Return the score of rules that fit in a line: labels that they find need no network."""
    key = "vus_pr"
    values: dict[str, Any] = {
        name: result.scored.scores[name].values[key]
        for name in ONE_LINERS
        if name in result.scored.scores
    }
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return []
    best = max(known, key=lambda name: known[name])
    title = result.scored.baselines[best].title
    own = result.scored.scores[MODEL].values[key]
    text = f"A one-liner, {title}, reaches VUS-PR {known[best]:.3f}; the network {own:.3f}."
    return [Section("What a one-liner reaches", [Note(text)])]

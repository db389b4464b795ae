"""Tables that `predict` writes: a row for each step, and the events that alarms form."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.metrics.detection import events_of
from longshort.tasks.anomaly.alarms import Alarms
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Known, known_of
from longshort.tasks.anomaly.samples import Stretch

Floats = NDArray[np.float64]
_MOST_NAMED = 3
_SHARE = 0.1
"""Share of an event's score from which a channel is named."""


def step_table(encoder: AnomalyEncoder, samples: Stretch, found: Alarms) -> pl.DataFrame:
    """Return a row for each step of the stretch.

    Columns: those of group and time; each channel and `expected_…`, in the data's units; `score`,
    `threshold`, `p` (the share of normal steps that score as high) and `alarm` (0 or 1); with
    several channels also `share_…` of the score; `label` if there are labels.
    """
    panel = samples.panel
    rows = np.flatnonzero(samples.rows())
    group = np.searchsorted(panel.offsets, rows, side="right") - 1
    columns: dict[str, Any] = {
        name: [panel.groups[g][place] for g in group.tolist()]
        for place, name in enumerate(panel.schema.group)
    }
    columns |= panel.time_columns(group, rows - panel.offsets[group])
    expected = None if found.expected is None else in_units(encoder, samples, found.expected)
    for channel, name in enumerate(encoder.channels):
        columns[name] = panel.target[rows, channel]
        if expected is not None:
            columns[f"expected_{name}"] = expected[rows, channel]
    columns |= {
        "score": found.score[rows],
        "threshold": found.threshold[group],
        "p": found.p[rows],
        "alarm": found.flagged[rows].astype(np.int64),
    }
    if len(encoder.channels) > 1 and found.parts is not None:
        for channel, name in enumerate(encoder.channels):
            columns[f"share_{name}"] = found.parts[rows, channel]
    if samples.labels is not None:
        columns["label"] = samples.labels[rows].astype(np.int64)
    return pl.DataFrame(columns).fill_nan(None)


def in_units(encoder: AnomalyEncoder, samples: Stretch, scaled: Floats) -> Floats:
    """Return values in deviations [N, K] in the data's units."""
    found = np.empty(scaled.shape)
    for group, key in enumerate(samples.panel.groups):
        known = known_of(encoder, key, samples.name)
        rows = slice(int(samples.panel.offsets[group]), int(samples.panel.offsets[group + 1]))
        found[rows] = in_units_of(known, scaled[rows])
    return found


def in_units_of(known: Known, scaled: Floats) -> Floats:
    """Return values in deviations [..., K] in the units of their series."""
    channels = scaled.shape[-1]
    found: Floats = scaled * known.scale[:channels] + known.centre[:channels]
    return found


def event_table(encoder: AnomalyEncoder, samples: Stretch, found: Alarms) -> pl.DataFrame:
    """Return a row for each event: consecutive steps that are flagged.

    Columns: those of the group; `start`, `end` (its last step) and `peak` (the step of the highest
    score) as times; `steps`, `score` and `p` at the peak; `channels` that make up most of its
    score; `seen` and `expected` of the first of them at the row that was furthest off.
    """
    panel, table = samples.panel, []
    expected = None if found.expected is None else in_units(encoder, samples, found.expected)
    for group, key in enumerate(panel.groups):
        begin, first = int(panel.offsets[group]), int(samples.start[group])
        rows = np.arange(begin + first, begin + int(samples.end[group]))
        for start, stop in events_of(found.flagged[rows]) if rows.size else []:
            inside = rows[start:stop]
            peak = int(inside[np.nanargmax(found.score[inside])])
            stamps = panel.stamps(group, np.array([inside[0], inside[-1], peak]) - begin)
            names = _loudest(encoder, found, inside)
            row: dict[str, Any] = dict(zip(panel.schema.group, key, strict=True))
            row |= dict(zip(("start", "end", "peak"), stamps, strict=True))
            row |= {"steps": len(inside), "score": float(found.score[peak])}
            row |= {"p": float(found.p[peak]), "channels": ", ".join(names)}
            if expected is not None:
                channel = encoder.channels.index(names[0])
                off = np.abs(panel.target[inside, channel] - expected[inside, channel])
                worst = inside[int(np.nanargmax(np.nan_to_num(off, nan=-1.0)))]
                row |= {"seen": float(panel.target[worst, channel])}
                row |= {"expected": float(expected[worst, channel])}
            table.append(row)
    return pl.DataFrame(table or _no_events(samples, expected is not None)).fill_nan(None)


def _no_events(samples: Stretch, forecasts: bool) -> dict[str, pl.Series]:
    texts = (*samples.panel.schema.group, "start", "end", "peak", "channels")
    numbers = ("score", "p", *(("seen", "expected") if forecasts else ()))
    kinds = dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Float64)
    return {name: pl.Series(name, [], dtype=kind) for name, kind in kinds.items()}


def _loudest(encoder: AnomalyEncoder, found: Alarms, rows: NDArray[np.int64]) -> list[str]:
    """Return the channels that make up most of the rows' score, the largest share first."""
    if found.parts is None or len(encoder.channels) == 1:
        return list(encoder.channels[:1])
    known = np.nan_to_num(found.parts[rows]).mean(0)
    order = np.argsort(-known, kind="stable")[:_MOST_NAMED]
    return [encoder.channels[c] for place, c in enumerate(order) if not place or known[c] >= _SHARE]

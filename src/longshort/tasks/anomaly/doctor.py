"""Checks of series in which anomalies are searched: what would harm, where, and how to fix it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding, capped
from longshort.data.splits import Splits
from longshort.metrics.period import period_of
from longshort.tasks.anomaly.samples import Stretch, place_of

_FAR = 8.0
"""Robust deviations from the median from which a training value is strange."""
_MOST_STRANGE = 0.02
_MOST_LABELLED = 0.5
_LONG_GAP = 20
_ROBUST = 1.4826


def examine(splits: Splits[Stretch]) -> list[Finding]:
    """Return all findings about the rows.

    They are anomalies among rows that are taken for normal, gaps, constant channels, odd labels,
    and normal parts of series that are shorter than a period.
    """
    train, val = splits.train, splits.val
    found = [
        *_labels(train, val, splits.test),
        *_strange(train),
        *_gaps(train),
        *_constant(train),
        *_short(train),
    ]
    return capped(found)


def _series(stretch: Stretch) -> list[tuple[str, NDArray[np.int64]]]:
    """Return name and rows of each series."""
    panel = stretch.panel
    return [
        ("/".join(key), np.arange(int(begin) + int(start), int(begin) + int(end)))
        for key, begin, start, end in zip(
            panel.groups, panel.offsets[:-1], stretch.start, stretch.end, strict=True
        )
    ]


def _labels(train: Stretch, val: Stretch, test: Stretch) -> list[Finding]:
    labels, found = train.labels, []
    if labels is None:
        return []
    for (name, rows), (_, held) in zip(_series(train), _series(val), strict=True):
        prefix = f"{name}: " if name else ""
        if labels[rows[0]]:
            text = f"{prefix}the very first row is labelled as an anomaly"
            fix = "check that the column holds 1 for an anomaly and 0 for normal rows"
            found.append(Finding("first-labelled", "warning", text, (), fix))
        marked = int(labels[rows].sum()) + int(labels[held].sum())
        share = marked / (rows.size + held.size)
        if share > _MOST_LABELLED:
            text = (
                f"{prefix}{share:.0%} of the rows that are taken for normal are labelled as "
                "anomalies; nothing is left to learn from"
            )
            fix = "move --normal-until, or check that 1 stands for an anomaly"
            found.append(Finding("labelled-normal", "error", text, (), fix))
        elif marked:
            text = (
                f"{prefix}{marked:,} of the rows that are taken for normal are labelled as "
                "anomalies; they are left out of training and of the threshold"
            )
            found.append(Finding("labelled-normal", "note", text))
    if not labels[test.rows()].any():
        text = "no row behind the normal part is labelled, so the alarms cannot be scored by labels"
        found.append(Finding("no-labels", "warning", text, (), "move --normal-until forward"))
    return found


def _strange(train: Stretch) -> list[Finding]:
    """Find training values far off the rest: they are learned as normal, with less weight."""
    found, panel = [], train.panel
    for name, rows in _series(train):
        for channel, title in enumerate(panel.schema.target):
            values = panel.target[rows, channel]
            middle = np.nanmedian(values) if not np.isnan(values).all() else 0.0
            spread = _ROBUST * float(np.nanmedian(np.abs(values - middle))) if rows.size else 0.0
            if not spread > 0:
                continue
            far = np.flatnonzero(np.abs(values - middle) > _FAR * spread)
            if 0 < far.size <= _MOST_STRANGE * rows.size:
                where = tuple(place_of(panel, int(rows[i])) for i in far[:3])
                text = (
                    f"{name + ': ' if name else ''}{far.size:,} training values of {title!r} lie "
                    f"more than {_FAR:g} robust deviations off the median: are these rows normal?"
                )
                fix = "move --normal-until, or mark them with --labels; large errors count less"
                found.append(Finding("strange", "warning", text, where, fix))
    return found


def _gaps(train: Stretch) -> list[Finding]:
    """Find long stretches without a value: nothing is scored there."""
    found, panel = [], train.panel
    for group, key in enumerate(panel.groups):
        begin, end = int(panel.offsets[group]), int(panel.offsets[group + 1])
        for channel, title in enumerate(panel.schema.target):
            missing = np.isnan(panel.target[begin:end, channel])
            edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]])))
            longest = max((b - a, a) for a, b in zip(edges[::2], edges[1::2], strict=True)) \
                if edges.size else (0, 0)  # fmt: skip
            if longest[0] >= _LONG_GAP:
                where = (place_of(panel, begin + int(longest[1])),)
                text = (
                    f"{'/'.join(key) + ': ' if key else ''}{title!r} is missing for "
                    f"{int(longest[0]):,} steps in a row; missing steps get no score"
                )
                found.append(Finding("long-gap", "warning", text, where))
    return found


def _constant(train: Stretch) -> list[Finding]:
    found, panel = [], train.panel
    for name, rows in _series(train):
        for channel, title in enumerate(panel.schema.target):
            known = panel.target[rows, channel]
            known = known[~np.isnan(known)]
            if known.size and np.ptp(known) == 0:
                text = (
                    f"{name + ': ' if name else ''}{title!r} is {known[0]:g} in all training rows; "
                    "any other value will be an anomaly"
                )
                found.append(Finding("constant", "warning", text, (), "leave the column out"))
    return found


def _short(train: Stretch) -> list[Finding]:
    found, panel = [], train.panel
    for group, (name, rows) in enumerate(_series(train)):
        whole = panel.target[panel.offsets[group] : panel.offsets[group + 1], 0]
        if not rows.size or np.isnan(whole).all():
            continue
        period = period_of(whole)
        if rows.size < 2 * period and rows.size < len(whole):
            text = (
                f"{name + ': ' if name else ''}{rows.size:,} training rows are less than two of "
                f"the periods of {period} steps that the series seems to have"
            )
            found.append(Finding("short", "warning", text, (), "move --normal-until back"))
    return found

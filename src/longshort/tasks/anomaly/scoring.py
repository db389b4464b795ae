"""Metrics of alarms: by labels if there are any, and by the forecast's error otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.detection import EventCounts, detection_delays, event_counts, events_of
from longshort.metrics.nab import nab_score
from longshort.metrics.ranges import range_precision, range_recall
from longshort.metrics.significance import Comparison, compare
from longshort.metrics.volumes import volumes
from longshort.runs.task import MODEL, Metric, Scored, Scores
from longshort.runs.verdict import place_sentence
from longshort.tasks.anomaly.alarms import Alarms
from longshort.tasks.anomaly.baselines import AUTOREGRESSION
from longshort.tasks.anomaly.samples import Stretch

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

METRICS = (
    Metric("vus_pr", "VUS-PR", spoken="VUS-PR {}", number="{:.3f}"),
    Metric("error", "error", False, spoken="mean absolute error {}", number="{:.4f}"),
    Metric("event_f1", "event F1", number="{:.3f}"),
    Metric("event_precision", "precision", number="{:.3f}"),
    Metric("event_recall", "recall", number="{:.3f}"),
    Metric("delay", "delay", False, number="{:.1f}"),
    Metric("flagged", "flagged", False, number="{:.2%}"),
    Metric("range_f1", "range F1", number="{:.3f}"),
    Metric("nab", "NAB score", number="{:.1f}"),
)
FEWEST_EVENTS = 4
"""Number of labelled anomalies below which two detectors cannot be told apart."""
_DRAWS, _BLOCKS, _THRESHOLDS = 200, 30, 60


class Part(NamedTuple):
    """Scored rows of one series: labels, scores and flags [n], and the period in steps."""

    labels: Flags
    scores: Floats
    flagged: Flags
    period: int


def parts(samples: Stretch, found: Alarms) -> Iterator[Part]:
    """Yield the rows [start, end) of each series that have a score.

    Without labels none is marked as an anomaly.
    """
    panel = samples.panel
    for group in range(panel.num_groups):
        begin = int(panel.offsets[group])
        rows = np.arange(begin + int(samples.start[group]), begin + int(samples.end[group]))
        rows = rows[~np.isnan(found.score[rows])]
        if rows.size:
            labels = np.zeros(rows.size, bool) if samples.labels is None else samples.labels[rows]
            yield Part(labels, found.score[rows], found.flagged[rows], int(found.periods[group]))


def scores_of(samples: Stretch, truth: Floats, found: Alarms) -> Scores:
    """Return metrics of alarms.

    truth [N, K]: values in deviations, which are compared with the expected ones.
    """
    each = list(parts(samples, found))
    values: dict[str, Any] = dict.fromkeys((metric.key for metric in METRICS), None)
    values["flagged"] = float(np.mean(np.concatenate([part.flagged for part in each])))
    errors = np.zeros(0)
    if found.expected is not None:
        off = np.abs(found.expected - truth)[samples.rows()]
        errors = off[~np.isnan(off).any(1)].mean(1)
        values["error"] = float(errors.mean()) if errors.size else None
    if samples.labels is not None and any(part.labels.any() for part in each):
        values |= _by_labels(each)
    return Scores(values, errors)


def _by_labels(each: list[Part]) -> dict[str, Any]:
    areas = [volumes(part.labels, part.scores, part.period).pr for part in each]
    counts = sum((event_counts(p.labels, p.flagged) for p in each), EventCounts(0, 0, 0))
    delays = [d for p in each for d in detection_delays(p.labels, p.flagged) if d is not None]
    recall = _mean([range_recall(p.labels, p.flagged) for p in each])
    precision = _mean([range_precision(p.labels, p.flagged) for p in each])
    return {
        "vus_pr": _mean(areas),
        "event_f1": _number(counts.f1),
        "event_precision": _number(counts.precision),
        "event_recall": _number(counts.recall),
        "delay": float(np.mean(delays)) if delays else None,
        "range_f1": _harmonic(recall, precision),
        "nab": _number(nab_score((part.labels, part.flagged) for part in each)),
    }


def _mean(values: list[float]) -> float | None:
    """Return the mean of those that are numbers; None if none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None


def _harmonic(recall: float | None, precision: float | None) -> float | None:
    """Return the harmonic mean, 0 if either is 0; None if one is not known."""
    if recall is None or precision is None:
        return None
    both = recall + precision
    return 2 * recall * precision / both if both else 0.0


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def compare_by_error(own: Floats, other: Floats) -> Comparison:
    """Compare absolute one-step errors [n] in a paired test; too few if one forecasts nothing."""
    if not own.size or own.size != other.size:
        return Comparison("too few", 0.0, None, None)
    return compare(own, other, 1)


def compare_by_labels(own: list[Part], other: list[Part], seed: int = 0) -> Comparison:
    """Compare VUS-PR with a 95 % interval, by drawing stretches of time with replacement.

    Each series is cut into `_BLOCKS` stretches at most, none within a labelled anomaly or shorter
    than twice the period; both detectors are scored on the same draws. "Too few" below
    `FEWEST_EVENTS` labelled anomalies in all.
    """
    gain = _mean_area(own) - _mean_area(other)
    if sum(len(events_of(part.labels)) for part in own) < FEWEST_EVENTS:
        return Comparison("too few", gain, None, None)
    draw = np.random.default_rng(seed)
    blocks = [_blocks(part) for part in own]
    found = []
    for _ in range(_DRAWS):
        rows = [_drawn(each, draw) for each in blocks]
        first = _mean_area([_taken(p, r) for p, r in zip(own, rows, strict=True)])
        second = _mean_area([_taken(p, r) for p, r in zip(other, rows, strict=True)])
        found.append(first - second)
    kept = [value for value in found if not np.isnan(value)]
    low, high = (float(value) for value in np.quantile(kept, [0.025, 0.975]))
    outcome: Any = "better" if low > 0 else "worse" if high < 0 else "equal"
    return Comparison(outcome, gain, low, high)


def _mean_area(each: list[Part]) -> float:
    areas = [volumes(p.labels, p.scores, p.period, _THRESHOLDS).pr for p in each]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def _blocks(part: Part) -> list[NDArray[np.int64]]:
    """Return the rows of a series in stretches that cut no anomaly."""
    size = max(len(part.labels) // _BLOCKS, 2 * part.period, 1)
    cuts = []
    for cut in range(size, len(part.labels) - size // 2, size):
        while cut < len(part.labels) and part.labels[cut] and part.labels[cut - 1]:
            cut += 1
        cuts.append(cut)
    return [rows for rows in np.split(np.arange(len(part.labels)), np.unique(cuts)) if rows.size]


def _drawn(blocks: list[NDArray[np.int64]], draw: np.random.Generator) -> NDArray[np.int64]:
    chosen = draw.integers(len(blocks), size=len(blocks))
    return np.concatenate([blocks[i] for i in chosen])


def _taken(part: Part, rows: NDArray[np.int64]) -> Part:
    return Part(part.labels[rows], part.scores[rows], part.flagged[rows], part.period)


def sentence(cell: str, scored: Scored[Stretch, Alarms], result: Comparison, metric: Metric) -> str:
    """Return the verdict: against the best baseline, and how the autoregression did."""
    ours, theirs = (scored.scores[name].values[metric.key] for name in (MODEL, scored.best))
    samples = scored.samples
    basis = f"{len(samples):,} searched steps"
    if metric.key == "error":
        return _by_error(cell, scored, result, metric, basis)
    if samples.labels is not None:
        basis += f" with {len(events_of(samples.labels & samples.rows()))} labelled anomalies"
    title = scored.baselines[scored.best].title
    numbers = f"VUS-PR {metric.write(ours)} against {metric.write(theirs)} of {title}"
    interval = f"gain in VUS-PR {result.span('+.3f')}"
    return place_sentence(cell, result, numbers, basis, interval) + _beside(scored, metric)


def _by_error(
    cell: str, scored: Scored[Stretch, Alarms], result: Comparison, metric: Metric, basis: str
) -> str:
    """Return the verdict without labels: whether the network forecasts better than the baseline."""
    ours, theirs = (scored.scores[name].values[metric.key] for name in (MODEL, scored.best))
    blind = " Without labels nobody can tell whether the alarms are right."
    if ours is None or theirs is None:
        return (
            f"Too little to tell: the {cell} rebuilds what it has seen and forecasts nothing, and "
            f"there are no labels to score it by.{blind}"
        )
    title = scored.baselines[scored.best].title
    numbers = (
        f"error of the next step {metric.write(ours)} against {metric.write(theirs)} of {title}"
    )
    interval = f"share of the error saved {result.span('+.1%')}"
    return place_sentence(cell, result, numbers, basis, interval) + blind


def _beside(scored: Scored[Stretch, Alarms], metric: Metric) -> str:
    """Return how the autoregression did, if it is not the best, and the best one-liner."""
    values = {
        name: scored.scores[name].values[metric.key]
        for name in scored.baselines
        if scored.scores[name].values[metric.key] is not None
    }
    if scored.best != AUTOREGRESSION and AUTOREGRESSION in values:
        return (
            " The autoregression, smoothed and cut alike, reaches "
            f"{metric.write(values[AUTOREGRESSION])}."
        )
    return ""

"""Scores, p-values and alarms from the errors of every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.detection import event_counts
from longshort.tasks.anomaly.config import AlarmConfig
from longshort.tasks.anomaly.dynamic import dynamic_flags
from longshort.tasks.anomaly.encoder import Signals
from longshort.tasks.anomaly.raising import raising
from longshort.tasks.anomaly.smoothing import smoothed, smoothed_both
from longshort.tasks.anomaly.thresholds import (
    Threshold,
    p_values,
    threshold_for_rate,
    threshold_for_steps,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TINY = 1e-12
_CUTS = 101
_SMALL = 0.05


@dataclass(frozen=True)
class Alarms:
    """Scores and alarms of every row of a panel, [N], and of its channels, [N, K].

    score: higher is stranger, NaN where no value was given. p: share of normal rows that score as
    high, by the validation rows. flagged: rows of an alarm. threshold, periods: those of each
    series, [G], periods in steps. expected: forecasts in deviations. parts: each channel's share of
    the score before smoothing. The last two are None for a detector that forecasts nothing.
    """

    score: Floats
    p: Floats
    flagged: Flags
    threshold: Floats
    periods: NDArray[np.int64]
    expected: Floats | None = None
    parts: Floats | None = None


@dataclass(frozen=True)
class Calibration:
    """Normal errors, their scores and thresholds, from the validation rows.

    centre, spread: those of normal errors, [G, K], by name of the score. scores: smoothed scores of
    normal validation rows, an array for each series. threshold [G]: NaN for telemanom's, which is
    found on the rows that are searched.
    """

    centre: Mapping[str, Floats]
    spread: Mapping[str, Floats]
    scores: list[Floats]
    threshold: Floats
    cutoff: Floats | None = None
    """Cost [G, K] from which a value is not shown to the network; None to show all."""
    rate: Floats | None = None
    """Alarms per step that the thresholds raise on these rows, [G], if they are set by a rate."""


def cutoffs(errors: Floats, val: Signals) -> Floats:
    """Return the highest cost of each series' usable validation values, [G, K].

    It is infinite without any.
    """
    found = np.full((val.num_series, errors.shape[1]), np.inf)
    for group in range(val.num_series):
        rows = held(val, group)
        kept = np.where(val.usable[rows] & ~np.isnan(errors[rows]), errors[rows], -np.inf)
        most = kept.max(0, initial=-np.inf)
        found[group] = np.where(np.isfinite(most), most, np.inf)
    return found


def spreads(
    each: Mapping[str, Floats], val: Signals
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return centre and spread [G, K] of errors [N, K] by name, over the usable validation rows.

    The spread of squared errors is their mean, their centre 0. A log likelihood, which may be below
    0, has its median as centre and its standard deviation as spread.
    """
    centre: dict[str, Floats] = {}
    spread: dict[str, Floats] = {}
    for name, errors in each.items():
        shape = (val.num_series, errors.shape[1])
        centre[name], spread[name] = np.zeros(shape), np.ones(shape)
        for group in range(val.num_series):
            rows = held(val, group)
            kept = np.where(val.usable[rows], errors[rows], np.nan)
            for channel in range(errors.shape[1]):
                known = kept[~np.isnan(kept[:, channel]), channel]
                if not known.size:
                    continue
                if name == "nll":
                    centre[name][group, channel] = np.median(known)
                    spread[name][group, channel] = max(float(known.std()), _TINY)
                else:
                    spread[name][group, channel] = max(float(known.mean()), _TINY)
    return centre, spread


def held(signals: Signals, group: int) -> slice:
    """Return the rows [start, end) of a series, as rows of the panel."""
    begin = int(signals.offsets[group])
    return slice(begin + int(signals.start[group]), begin + int(signals.end[group]))


def row_scores(
    each: Mapping[str, Floats],
    centre: Mapping[str, Floats],
    spread: Mapping[str, Floats],
    signals: Signals,
) -> Floats:
    """Return how strange each channel of each row is, [N, K].

    It is the mean over the named errors, each relative to its centre and spread.
    """
    total = np.zeros(next(iter(each.values())).shape)
    groups = np.repeat(np.arange(signals.num_series), signals.lengths)
    for name, errors in each.items():
        total += (errors - centre[name][groups]) / spread[name][groups]
    return total / len(each)


def joined(channels: Floats) -> Floats:
    """Return each row's score, [N]: the mean of its known channels, [N, K].

    NaN where none is known.
    """
    known = ~np.isnan(channels)
    count = known.sum(1)
    total = np.where(known, channels, 0.0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def smooth_rows(scores: Floats, signals: Signals, config: AlarmConfig) -> Floats:
    """Return the smoothed scores of each series, [N]; NaN where a row has none."""
    found = np.empty(len(scores))
    for group, span in enumerate(signals.spans):
        rows = signals.rows(group)
        found[rows] = _smooth(scores[rows], span, config)
    return found


def _smooth(scores: Floats, span: int, config: AlarmConfig) -> Floats:
    """Smooth the scores [T] of a series; a step without a score is skipped and keeps none."""
    known = ~np.isnan(scores)
    found = np.full(len(scores), np.nan)
    if known.any():
        mean = smoothed if config.causal else smoothed_both
        found[known] = mean(scores[known], span)
    return found


def validation_scores(scores: Floats, val: Signals, config: AlarmConfig) -> list[Floats]:
    """Return the smoothed scores of each series' validation rows, NaN where a row has none.

    No row after the validation rows is used, even where smoothing looks at both sides.
    """
    found = []
    for group, span in enumerate(val.spans):
        begin, rows = int(val.offsets[group]), held(val, group)
        values = _smooth(scores[begin : rows.stop], span, config)
        found.append(values[rows.start - begin :])
    return found


def normal_scores(scores: list[Floats], val: Signals) -> list[Floats]:
    """Return the validation scores that are known, of rows that are not labelled as anomalies."""
    found = []
    for group, values in enumerate(scores):
        kept = val.usable[held(val, group)].any(1) & ~np.isnan(values)
        found.append(values[kept])
    return found


def thresholds_by_rate(normal: list[Floats], val: Signals, rate: float) -> tuple[Floats, Floats]:
    """Return each series' threshold, [G], for a wished rate of alarms per step.

    Also returns the alarms per step that the thresholds raise, [G]. A threshold is infinite if a
    series has no normal validation row.
    """
    each = zip(normal, val.spans.tolist(), strict=True)
    found = [_rate_threshold(values, rate, gap) for values, gap in each]
    return np.array([one.value for one in found]), np.array([one.rate for one in found])


def _rate_threshold(normal: Floats, rate: float, gap: int) -> Threshold:
    """Return a threshold for a rate of alarms.

    The rate is that of flagged steps instead where so many smoothed alarms would run together.
    """
    if not normal.size:
        return Threshold(float("inf"), rate, False)
    found = threshold_for_rate(normal, rate, gap)
    if found.rate < rate and rate * (len(normal) + 1) >= 1:
        return threshold_for_steps(normal, rate)._replace(rate=found.rate)
    return found


def least_scores(spread: Mapping[str, Floats], val: Signals) -> Floats:
    """Return the score of each series, [G], below which no error is large enough to matter.

    It is the score of a single row that is off in one channel by `_SMALL` of the normal range (5 to
    95 %). Without it, a network that is nearly perfect on normal rows would raise alarms for tiny
    errors. 0 where a score is a likelihood, which has a spread of its own.
    """
    found = np.zeros(val.num_series)
    if set(spread) != {"error"}:
        return found
    for group, span in enumerate(val.spans):
        rows = slice(int(val.offsets[group]), held(val, group).stop)
        if rows.stop > rows.start:
            low, high = np.percentile(val.values[rows], [5, 95], axis=0)
            least = (_SMALL * (high - low)) ** 2 / spread["error"][group]
            found[group] = float(least.min()) / len(least) * 2.0 / (span + 1.0)
    return found


def thresholds_by_labels(
    scores: Floats, normal: list[Floats], val: Signals, labels: Flags, config: AlarmConfig
) -> Floats:
    """Return the threshold of each series with the best F1 of events on the validation rows, [G].

    scores [N]: before smoothing. normal: smoothed scores of normal rows of each series.
    """
    found = []
    for group, span in enumerate(val.spans.tolist()):
        rows = held(val, group)
        smooth = _smooth(scores[rows], span, config)
        cuts = np.unique(np.nanquantile(smooth, np.linspace(0.5, 1.0, _CUTS)))
        usual = _usual(normal[group])

        def f1(cut: float, rows: slice = rows, span: int = span, usual: float = usual) -> float:
            flagged = raising(scores[rows], span, cut, usual, causal=config.causal)
            return event_counts(labels[rows], flagged).f1

        found.append(float(max(cuts, key=f1)))
    return np.array(found)


def _usual(normal: Floats) -> float:
    """Return the mean score of normal rows."""
    return float(normal.mean()) if normal.size else 0.0


def alarms(
    scores: Floats,
    signals: Signals,
    calibration: list[Floats],
    threshold: Floats,
    config: AlarmConfig,
) -> Alarms:
    """Return smoothed scores, p-values and alarms of each row.

    scores [N]: before smoothing. calibration: smoothed scores of normal rows of each series.
    threshold [G].
    """
    smooth = smooth_rows(scores, signals, config)
    p, flagged = np.full(len(scores), np.nan), np.zeros(len(scores), dtype=bool)
    for group, span in enumerate(signals.spans.tolist()):
        rows, normal = signals.rows(group), calibration[group]
        if normal.size:
            known = ~np.isnan(smooth[rows])
            p[rows] = np.where(known, p_values(normal, smooth[rows]), np.nan)
        flagged[rows] = raising(
            scores[rows], span, float(threshold[group]), _usual(normal), causal=config.causal
        )
    return Alarms(smooth, p, flagged, threshold, signals.periods)


def dynamic_alarms(found: Alarms, errors: Floats, signals: Signals, config: AlarmConfig) -> Alarms:
    """Return the same scores with telemanom's alarms, found on the rows of each series to search.

    errors [N, K]: squared errors in deviations. A row is flagged if one of its channels is.
    """
    flagged = np.zeros(len(errors), dtype=bool)
    for group, span in enumerate(signals.spans):
        rows = held(signals, group)
        for channel in range(errors.shape[1] if rows.stop > rows.start else 0):
            off = np.sqrt(errors[rows, channel])
            smooth = np.nan_to_num(_smooth(off, span, config))
            flagged[rows] |= dynamic_flags(smooth, signals.values[rows, channel])
    return replace(found, flagged=flagged)

"""The way from errors to alarms, the same for the network and every baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from longshort.runs.task import Encoded
from longshort.tasks.anomaly.alarms import (
    Alarms,
    Calibration,
    alarms,
    dynamic_alarms,
    joined,
    least_scores,
    normal_scores,
    row_scores,
    spreads,
    thresholds_by_labels,
    thresholds_by_rate,
    validation_scores,
)
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import Signals
from longshort.tasks.anomaly.rate import alarm_rate
from longshort.tasks.anomaly.samples import Stretch

Floats = NDArray[np.float64]


def calibrated(
    each: Mapping[str, Floats], signals: Signals, val: Stretch, config: AnomalyConfig
) -> Calibration:
    """Return normal errors, scores and thresholds from validation rows.

    each: errors [N, K] by name.
    """
    centre, spread = spreads(each, signals)
    scores = joined(row_scores(each, centre, spread, signals))
    held = validation_scores(scores, signals, config.alarm)
    normal, met = normal_scores(held, signals), None
    rate = alarm_rate(config.alarm.false_alarms or "1/1000", val.panel.freq)
    if config.alarm.threshold == "labels" and val.labels is not None:
        level = thresholds_by_labels(scores, normal, signals, val.labels, config.alarm)
    elif config.alarm.threshold == "telemanom":
        level = np.full(signals.num_series, np.nan)
    else:
        level, met = thresholds_by_rate(normal, signals, rate)
        level = np.maximum(level, least_scores(spread, signals))
    return Calibration(centre, spread, normal, level, rate=met)


def judged(
    each: Mapping[str, Floats],
    expected: Floats | None,
    signals: Signals,
    kept: Calibration,
    config: AnomalyConfig,
) -> Alarms:
    """Return alarms of all rows, from errors by name."""
    channels = row_scores(each, kept.centre, kept.spread, signals)
    found = alarms(joined(channels), signals, kept.scores, kept.threshold, config.alarm)
    whole = np.nansum(np.abs(channels), axis=1, keepdims=True)
    parts = np.abs(channels) / np.where(whole > 0, whole, 1.0)
    if config.alarm.threshold == "telemanom":
        found = dynamic_alarms(found, each["error"], signals, config.alarm)
    return replace(found, expected=expected, parts=parts)


def threshold_notes(found: Calibration, val: Encoded[Stretch], config: AnomalyConfig) -> list[str]:
    """Return notes on thresholds that rest on few rows, and on wished rates that none meets."""
    if config.alarm.threshold != "rate":
        return []
    wish = config.alarm.false_alarms or "1/1000"
    rate = alarm_rate(wish, val.samples.panel.freq)
    least = min((scores.size for scores in found.scores), default=0)
    if least and rate * least < 1:
        return [
            f"note: {wish} false alarms are fewer than the {least:,} validation rows can show; the "
            "threshold goes beyond them by the shape of their tail"
        ]
    crowded = [] if found.rate is None else val.arrays.spans[found.rate < rate]
    if len(crowded):
        return [
            f"note: scores smoothed over {max(crowded):,} steps cannot raise {wish} alarms, which "
            "run together; that share of the steps is flagged instead; wish for fewer, or set "
            "alarm.smoothing"
        ]
    return []

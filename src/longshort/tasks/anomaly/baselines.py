"""Baselines beside the network: one-liners, autoregression, neighbours, components.

Their scores have the same smoothing, the same calibration rows and the same threshold rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.runs.task import Baseline, Encoded, Track
from longshort.tasks.anomaly.alarms import Alarms
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.detectors import (
    components_score,
    difference_score,
    forest_score,
    level_score,
    moving_score,
    nearest_score,
)
from longshort.tasks.anomaly.encoder import Signals
from longshort.tasks.anomaly.errors import autoregression_errors
from longshort.tasks.anomaly.judging import calibrated, judged
from longshort.tasks.anomaly.samples import Stretch

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Splits = Mapping[str, Encoded[Stretch]]

AUTOREGRESSION = "autoregression"
"""Baseline that the verdict always mentions."""
ONE_LINERS = ("level", "moving_z", "difference")
"""Baselines that fit in a line."""


class Score(Protocol):
    """Function that scores a series."""

    def __call__(
        self, values: Floats, train_end: int, left_out: Flags, window: int, causal: bool
    ) -> Floats:
        """Return scores [T] of values [T, K].

        train_end: number of training rows. left_out [train_end]: rows among them that are known
        anomalies. window: length of a window in steps. causal: whether only the past may be used.
        """


@dataclass(frozen=True)
class Detector:
    """A baseline that is fitted to each series alone."""

    title: str
    score: Score


DETECTORS: Mapping[str, Detector] = {
    "level": Detector("the distance from the median", lambda x, n, o, _w, _c: level_score(x, n, o)),
    "moving_z": Detector("the moving z-score", lambda x, n, o, w, _c: moving_score(x, n, w, o)),
    "difference": Detector(
        "the step from the last value", lambda x, n, o, _w, _c: difference_score(x, n, o)
    ),
    "neighbour": Detector(
        "the nearest normal window", lambda x, n, o, w, c: nearest_score(x, n, w, o, causal=c)
    ),
    "components": Detector(
        "principal components of windows",
        lambda x, n, o, w, c: components_score(x, n, w, o, causal=c),
    ),
    "forest": Detector(
        "an isolation forest", lambda x, n, o, w, c: forest_score(x, n, w, o, causal=c)
    ),
}


def detected(config: AnomalyConfig, splits: Splits, track: Track) -> dict[str, Baseline[Alarms]]:
    """Return alarms of every baseline on the test rows.

    Each baseline is fitted on the training rows alone.
    """
    found = {AUTOREGRESSION: Baseline(_autoregression(config, splits), "an autoregression")}
    for number, (name, detector) in enumerate(DETECTORS.items()):
        track(f"baseline {name}", number, len(DETECTORS))
        if name != "forest" or find_spec("sklearn"):
            found[name] = Baseline(_detected(detector, config, splits), detector.title)
    return found


def _autoregression(config: AnomalyConfig, splits: Splits) -> Alarms:
    val, test = splits["val"], splits["test"]
    kept = calibrated(autoregression_errors(val.arrays).each, val.arrays, val.samples, config)
    found = autoregression_errors(test.arrays)
    return judged(found.each, found.expected, test.arrays, kept, config)


def _detected(detector: Detector, config: AnomalyConfig, splits: Splits) -> Alarms:
    """Return alarms of a detector that is fitted on the training rows of each series."""
    train, val, test = (splits[name] for name in ("train", "val", "test"))
    keys = val.samples.panel.groups
    own = np.full((len(val.arrays.known), 1), np.nan)
    new = np.full((len(test.arrays.known), 1), np.nan)
    for group, key in enumerate(test.samples.panel.groups):
        source = keys.index(key)
        known, searched = val.arrays.rows(source), test.arrays.rows(group)
        end = int(val.arrays.end[source])
        if test.samples.panel is not val.samples.panel:
            rows = np.concatenate([_values(val.arrays, known)[:end],
                                   _values(test.arrays, searched)])  # fmt: skip
        else:
            rows = _values(test.arrays, searched)
        trained = int(train.arrays.end[source])
        window = max(2, min(int(val.arrays.periods[source]), trained // 2))
        left_out = (train.arrays.known & ~train.arrays.usable)[train.arrays.rows(source)].any(1)
        scores = detector.score(rows, trained, left_out[:trained], window, config.alarm.causal)
        own[known.start : known.start + end, 0] = scores[:end]
        new[searched, 0] = scores[len(scores) - (searched.stop - searched.start) :]
    new[~test.arrays.known.any(1)] = np.nan
    signals = _one_channel(val.arrays)
    if config.alarm.threshold == "telemanom":  # which is of forecasts alone
        alarm = config.alarm.model_copy(update={"threshold": "rate"})
        config = config.model_copy(update={"alarm": alarm})
    kept = calibrated({"distance": own}, signals, val.samples, config)
    return replace(
        judged({"distance": new}, None, _one_channel(test.arrays), kept, config), parts=None
    )


def _values(signals: Signals, rows: slice) -> Floats:
    return signals.values[rows]


def _one_channel(signals: Signals) -> Signals:
    """Return the same rows as if they had a single channel."""
    known = np.asarray(signals.known.any(1)).reshape(-1, 1)
    usable = np.asarray(signals.usable.any(1)).reshape(-1, 1)
    return replace(signals, known=known, usable=usable)

"""What a sceptic puts beside the network: one-liners, autoregression, neighbours, components.

Their scores go through the same smoothing, the same calibration rows and the same threshold rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec

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
Splits = Mapping[str, Encoded[Stretch]]

AUTOREGRESSION = "autoregression"
"""The baseline that the verdict always speaks of."""
ONE_LINERS = ("level", "moving_z", "difference")
"""Baselines that fit in a line."""


Score = Callable[[Floats, int, int, bool], Floats]


@dataclass(frozen=True)
class Detector:
    """A baseline that is fitted to each series alone.

    score: of values [T, K], the number of training rows, the window in steps, and whether only the
    past may be looked at, to a score [T].
    """

    title: str
    score: Score


DETECTORS: Mapping[str, Detector] = {
    "level": Detector("the distance from the median", lambda x, n, _w, _c: level_score(x, n)),
    "moving_z": Detector("the moving z-score", lambda x, n, w, _c: moving_score(x, n, w)),
    "difference": Detector(
        "the step from the last value", lambda x, n, _w, _c: difference_score(x, n)
    ),
    "neighbour": Detector(
        "the nearest normal window", lambda x, n, w, c: nearest_score(x, n, w, causal=c)
    ),
    "components": Detector(
        "principal components of windows", lambda x, n, w, c: components_score(x, n, w, causal=c)
    ),
    "forest": Detector("an isolation forest", lambda x, n, w, c: forest_score(x, n, w, causal=c)),
}


def detected(config: AnomalyConfig, splits: Splits, track: Track) -> dict[str, Baseline[Alarms]]:
    """Alarms of every baseline on the test rows; what is fitted sees the training rows alone."""
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
    """A detector that is fitted to the training rows of each series and scores all of it."""
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
        scores = detector.score(rows, trained, window, config.alarm.causal)
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
    """The same rows with a single score each."""
    known = np.asarray(signals.known.any(1)).reshape(-1, 1)
    usable = np.asarray(signals.usable.any(1)).reshape(-1, 1)
    return replace(signals, known=known, usable=usable)

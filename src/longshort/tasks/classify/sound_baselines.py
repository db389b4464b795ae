"""Baselines of recordings: nearest neighbours by time warping, and linear on means of MFCC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import AudioSettings
from longshort.data.sequences import Sequences
from longshort.metrics.warping import warped_distances
from longshort.runs.task import Baseline, Track
from longshort.tasks.classify.baselines import Found, Known, Linear, linear
from longshort.tasks.classify.nearest import surely
from longshort.tasks.classify.regression import Rows, dense
from longshort.tasks.classify.targets import Prediction, Targets

Floats = NDArray[np.float32]
_PLAIN = AudioSettings(features="mfcc", coefficients=20, normalise="none")
_WARPED = AudioSettings(features="mfcc", deltas=1, normalise="both")
_MOST = 1e9
"""Most pairs of steps that are compared; above, fewer training recordings are searched."""
_TRIED = 100
"""Training recordings whose neighbours are looked for, to learn how often these are right."""


def sound_baselines(train: Known, val: Known, test: Known, targets: Targets, track: Track) -> Found:
    """Return the baselines of recordings with one label each."""
    how = Linear("cepstra", _moments, "logistic regression on means and deviations of MFCC")
    parts = (_cepstral(train), _cepstral(val), _cepstral(test))
    found = linear(how, *parts, targets, track)
    return found | _time_warping(train, test, targets.classes, track)


def _features(known: Known, settings: AudioSettings) -> list[Floats]:
    sounds = known.examples.sounds
    assert sounds is not None
    return sounds.features(settings)


def _cepstral(known: Known) -> Known:
    """Return the same recordings as MFCC that are not normalised."""
    return Known(known.examples, Sequences(_features(known, _PLAIN), known.encoded.targets))


def _moments(train: Known, others: Sequence[Known]) -> list[Rows]:
    """Return standardised means and deviations of each coefficient."""

    def rows(known: Known) -> NDArray[np.float64]:
        items = [np.asarray(item, np.float64) for item in known.encoded.items]
        return np.stack([np.concatenate([item.mean(0), item.std(0)]) for item in items])

    known = rows(train)
    mean, scale = known.mean(0), np.maximum(known.std(0), 1e-8)
    return [dense((rows(other) - mean) / scale) for other in others]


def _time_warping(train: Known, test: Known, classes: int, track: Track) -> Found:
    """Predict the label of the training recording that is nearest by time warping of its MFCC."""
    asked = _features(test, _WARPED)
    steps = sum(map(len, asked)) + _TRIED * int(np.mean(train.encoded.lengths))
    most = max(1, int(_MOST / (steps * float(np.mean(train.encoded.lengths)))))
    chosen = np.random.default_rng(0).permutation(len(train))[:most].tolist()
    known = train.take(chosen)
    items, labels = _features(known, _WARPED), known.encoded.targets
    right = 0
    for i in range(min(_TRIED, len(items))):
        far = warped_distances(items[i], items)
        far[i] = np.inf
        right += int(labels[np.argmin(far)] == labels[i])
    found = []
    for number, item in enumerate(asked):
        track("warping time to the nearest recording", number, len(asked))
        found.append(labels[np.argmin(warped_distances(item, items))])
    p = surely(np.array(found), right, min(_TRIED, len(items)), classes)
    note = "takes MFCC and their slopes, normalised for each recording"
    if len(chosen) < len(train):
        note += f", and {len(chosen):,} of {len(train):,} training recordings"
    title = "the nearest training recording by time warping"
    return {"dtw": Baseline(Prediction(p), title, note)}

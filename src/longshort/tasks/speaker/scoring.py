"""Scores of voices: equal error rate, detection cost, and identification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.verification import Tradeoff, equal_error, least_cost, tradeoff
from longshort.runs.task import Scores
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.voices import Trials, Vectors, Voices, identified, trials_of

Floats = NDArray[np.float64]
PRIOR = 0.01


def curve_of(vectors: Vectors, trials: Trials) -> Tradeoff:
    """Return misses and false alarms of all trials."""
    return tradeoff(vectors.similarity(trials.one, trials.other), trials.is_target)


def scores(config: SpeakerConfig, speakers: Sequence[str], found: Voices) -> Scores:
    """Return the metrics, and a loss for each speaker.

    The loss of a speaker is the mean of the shares of his targets that are missed and of his other
    pairs that are taken for targets, at the threshold of the equal error rate over all. Speakers
    are what a paired test compares, since pairs of one speaker depend on each other.
    """
    trials = trials_of(speakers, config.evaluate.trials, config.split.seed)
    whole, short = (curve_of(each, trials) for each in (found.whole, found.short))
    rate, threshold = equal_error(whole)
    right = identified(found.whole, speakers, config.evaluate.enrolled)
    values = {
        "eer": rate,
        "min_dcf": least_cost(whole, PRIOR),
        "eer_short": equal_error(short)[0],
        "identified": float(right.mean()) if len(right) else None,
    }
    accepted = found.whole.similarity(trials.one, trials.other) >= threshold
    return Scores(values, losses(speakers, trials, accepted))


def losses(speakers: Sequence[str], trials: Trials, accepted: NDArray[np.bool_]) -> Floats:
    """Return the loss of each speaker who has targets and others, in the order of their names."""
    names = np.array(speakers)
    found = []
    for name in sorted(set(speakers)):
        own = (names[trials.one] == name) | (names[trials.other] == name)
        targets, others = own & trials.is_target, own & ~trials.is_target
        if targets.any() and others.any():
            found.append((np.mean(~accepted[targets]) + np.mean(accepted[others])) / 2)
    return np.array(found)

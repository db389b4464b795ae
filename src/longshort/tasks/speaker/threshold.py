"""The threshold of verification, and for which recordings it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.data.sequences import Sequences
from longshort.metrics.verification import equal_error, tradeoff
from longshort.runs.task import Encoded, Model
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.enrolment import seconds_of
from longshort.tasks.speaker.inference import embeddings
from longshort.tasks.speaker.voices import Vectors, halves, has_pairs, trials_of

KEPT = "threshold"


@dataclass(frozen=True)
class Threshold:
    """A similarity from which two recordings are said to be of one speaker.

    rate: equal error rate of the validation pairs on which it was found. seconds: median length of
    these recordings. are_halves: whether the two of a target are halves of one recording. speakers:
    their number.
    """

    value: float
    rate: float
    seconds: float
    are_halves: bool
    speakers: int

    @staticmethod
    def find(model: Model[Any, Any], val: Encoded[Examples]) -> Threshold:
        """Find the threshold with equal error rates on the validation speakers."""
        config: SpeakerConfig = model.config
        arrays, speakers, seconds = _validated(config, val)
        found = embeddings(model, arrays)
        trials = trials_of(speakers, config.evaluate.trials, config.split.seed)
        similarity = Vectors(found, found).similarity(trials.one, trials.other)
        rate, value = equal_error(tradeoff(similarity, trials.is_target))
        are_halves = not has_pairs(val.samples)
        return Threshold(value, rate, seconds, are_halves, len(set(speakers)))

    @staticmethod
    def of(model: Model[Any, Any]) -> Threshold:
        """Return the threshold that a run keeps."""
        value, rate, seconds, are_halves, speakers = model.kept[KEPT].tolist()
        return Threshold(value, rate, seconds, bool(are_halves), int(speakers))

    @property
    def kept(self) -> dict[str, NDArray[np.float64]]:
        """The threshold as what is kept beside the weights."""
        numbers = (self.value, self.rate, self.seconds, self.are_halves, self.speakers)
        return {KEPT: np.array(numbers, dtype=np.float64)}

    @property
    def condition(self) -> str:
        """For which recordings the threshold holds, continuing a sentence about it."""
        what = "halves of one recording each" if self.are_halves else "recordings"
        return (
            f"holds for {what} of {self.seconds:.1f} s, as those of the {self.speakers} validation "
            f"speakers on which it was found, where misses and false alarms were {self.rate:.1%}"
        )


def validation_rate(model: Model[Any, Any], val: Encoded[Examples]) -> float:
    """Return the equal error rate of the validation speakers."""
    return Threshold.find(model, val).rate


def _validated(config: SpeakerConfig, val: Encoded[Examples]) -> tuple[Sequences, list[str], float]:
    """Return what is compared, its speakers, and its median length in seconds."""
    seconds = float(np.median(seconds_of(config, val.samples)))
    if has_pairs(val.samples):
        return val.arrays, list(val.samples.labels or []), seconds
    return *halves(val.samples, val.arrays), seconds / 2

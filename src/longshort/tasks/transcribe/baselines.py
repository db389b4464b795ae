"""Transcripts without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from longshort.metrics.warping import warped_distances
from longshort.runs.task import Track
from longshort.tasks.transcribe.encoder import SpeechArrays
from longshort.tasks.transcribe.samples import Floats

MOST = 1e9
"""Most pairs of steps that are compared to find nearest utterances."""


def most_frequent(texts: Sequence[str]) -> str:
    """Return the text that most training utterances have; of equally frequent ones the first."""
    return Counter(texts).most_common(1)[0][0]


def of_the_nearest(
    train: SpeechArrays, texts: Sequence[str], test: SpeechArrays, patch: int, track: Track
) -> list[str] | None:
    """Return the text of the training utterance nearest by time warping; None if they are too many.

    Utterances are compared by the means of `patch` frames each.
    """
    known, asked = (_thinned(each, patch) for each in (train, test))
    if sum(map(len, known)) * sum(map(len, asked)) > MOST:
        return None
    found = []
    for number, item in enumerate(asked):
        track("warping time to the nearest utterance", number, len(asked))
        found.append(texts[int(np.argmin(warped_distances(item, known)))])
    return found


def _thinned(arrays: SpeechArrays, patch: int) -> list[Floats]:
    """Return the means of `patch` frames each; an incomplete last patch is left out."""
    found = []
    for item in arrays.items:
        whole = item[: len(item) // patch * patch] if len(item) >= patch else item[:1]
        found.append(whole.reshape(-1, min(patch, len(whole)), item.shape[1]).mean(1))
    return found

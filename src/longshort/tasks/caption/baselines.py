"""Captions without a network: of all images one, or those of similar images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from longshort.metrics.consensus import consensus, consensus_captions, neighbours_of
from longshort.tasks.caption.samples import Captioned
from longshort.tasks.caption.scoring import bleu_of, plain, statistics

_CANDIDATES, _GROUP, _JUDGES = 40, 250, 200
"""Candidates for the constant caption, captions that each is drawn from, and images to judge it."""


def most_frequent(train: Captioned) -> str:
    """Return the caption that most training images have, in the words that are scored."""
    counts = Counter(plain(text) for text in train.captions)
    return counts.most_common(1)[0][0]


def best_constant(train: Captioned) -> str:
    """Return the training caption with the highest BLEU-4 if all training images had it.

    Candidates are the consensus of groups of captions; both are judged on evenly drawn images.
    """
    captions = train.captions
    count = min(_CANDIDATES, max(1, len(captions) // _GROUP))
    candidates = dict.fromkeys(consensus(captions[first::count][:_GROUP]) for first in range(count))
    judges = train.take(_evenly(len(train), _JUDGES))
    bleu = {each: _bleu_of_all(judges, each) for each in candidates}
    return max(bleu, key=lambda text: bleu[text])


def of_the_nearest(train: Captioned, test: Captioned) -> list[str]:
    """Return the first caption of the training image with the most similar features."""
    known, vectors = train.features.vectors(train.images), test.features.vectors(test.images)
    nearest = neighbours_of(vectors, known, 1)[:, 0]
    return [_references(train)[place][0] for place in nearest.tolist()]


def by_consensus(train: Captioned, test: Captioned, count: int) -> list[str]:
    """Return, of all captions of the `count` nearest images, the one most similar to all."""
    known, vectors = train.features.vectors(train.images), test.features.vectors(test.images)
    return consensus_captions(vectors, known, _references(train), min(count, len(train)))


def _bleu_of_all(images: Captioned, caption: str) -> float:
    """BLEU-4 of one caption for all of these images."""
    return float(bleu_of(statistics(images, [caption] * len(images)).sum(0)))


def _evenly(count: int, most: int) -> list[int]:
    places: list[int] = np.linspace(0, count - 1, min(most, count)).astype(int).tolist()
    return places


def _references(train: Captioned) -> Sequence[Sequence[str]]:
    return train.references or []

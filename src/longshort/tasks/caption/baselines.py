"""Captions without a network: of all images one, or those of similar images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from longshort.metrics.consensus import consensus, consensus_captions, neighbours_of
from longshort.metrics.texts import caption_words
from longshort.tasks.caption.samples import Captioned

_POOL = 1000
"""Training captions among which the constant one is sought."""


def most_frequent(train: Captioned) -> str:
    """Return the caption that most training images have, in the words that are scored."""
    counts = Counter(" ".join(caption_words(text)) for text in train.captions)
    return counts.most_common(1)[0][0]


def most_similar(train: Captioned) -> str:
    """Return the training caption most similar to all others.

    Similar is a high mean F1 of 1-grams and 2-grams, over evenly drawn captions.
    """
    captions = train.captions
    places = np.linspace(0, len(captions) - 1, min(_POOL, len(captions))).astype(int)
    return consensus([captions[place] for place in places.tolist()])


def of_the_nearest(train: Captioned, test: Captioned) -> list[str]:
    """Return the first caption of the training image with the most similar features."""
    known, vectors = train.features.vectors(train.images), test.features.vectors(test.images)
    nearest = neighbours_of(vectors, known, 1)[:, 0]
    return [_references(train)[place][0] for place in nearest.tolist()]


def by_consensus(train: Captioned, test: Captioned, count: int) -> list[str]:
    """Return, of all captions of the `count` nearest images, the one most similar to all."""
    known, vectors = train.features.vectors(train.images), test.features.vectors(test.images)
    return consensus_captions(vectors, known, _references(train), min(count, len(train)))


def _references(train: Captioned) -> Sequence[Sequence[str]]:
    return train.references or []

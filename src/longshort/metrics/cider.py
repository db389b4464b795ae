"""CIDEr-D: how similar a caption is to its references, where rare n-grams weigh more.

Vedantam et al. (2015), "CIDEr: consensus-based image description evaluation"; as coco-caption
computes it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.texts import References, caption_words, ngram_counts, reference_sets

Floats = NDArray[np.float64]
Ngram = tuple[str, ...]
Weights = dict[Ngram, float]

_ORDERS = range(1, 5)
_SIGMA = 6.0
"""Width of the penalty on differences of length, in words."""
_SCALE = 10.0


def cider(hypotheses: Sequence[str], references: References) -> Floats:
    """CIDEr-D of each caption, [n], 0 to 10; the mean over images is the score of a model.

    Words are those of `caption_words`. An n-gram weighs by the log of the share of images in whose
    references it occurs, so the score of a caption depends on which images are judged together.
    """
    sets = [
        [caption_words(each) for each in wanted]
        for wanted in reference_sets(hypotheses, references)
    ]
    rarity = _rarity(sets)
    return np.array(
        [
            _SCALE * float(np.mean([_similarity(words, each, rarity) for each in wanted]))
            for words, wanted in zip(map(caption_words, hypotheses), sets, strict=True)
        ]
    )


class _Rarity(Weights):
    """Log of images per image with the n-gram; an unseen one counts as seen once."""

    def __init__(self, images: int) -> None:
        self.most = math.log(images)

    def __missing__(self, ngram: Ngram) -> float:
        return self.most


def _rarity(sets: list[list[list[str]]]) -> _Rarity:
    images: Counter[Ngram] = Counter()
    for wanted in sets:
        images.update(set().union(*(ngram_counts(w, order) for w in wanted for order in _ORDERS)))
    rarity = _Rarity(len(sets))
    rarity.update({ngram: rarity.most - math.log(count) for ngram, count in images.items()})
    return rarity


def _similarity(words: list[str], wanted: list[str], rarity: _Rarity) -> float:
    """Mean over orders of the clipped cosine, times the penalty on length."""
    cosines = [_cosine(_weights(words, n, rarity), _weights(wanted, n, rarity)) for n in _ORDERS]
    difference = max(len(words) - 1, 0) - max(len(wanted) - 1, 0)  # in 2-grams
    return float(np.mean(cosines)) * math.exp(-(difference**2) / (2 * _SIGMA**2))


def _weights(words: list[str], order: int, rarity: _Rarity) -> Weights:
    return {ngram: count * rarity[ngram] for ngram, count in ngram_counts(words, order).items()}


def _cosine(given: Weights, wanted: Weights) -> float:
    """Cosine in which no n-gram counts more often than the reference has it."""
    norms = math.hypot(*given.values()) * math.hypot(*wanted.values())
    shared = math.fsum(min(given[n], wanted[n]) * wanted[n] for n in given.keys() & wanted.keys())
    return shared / norms if norms else 0.0

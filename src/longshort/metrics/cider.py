"""CIDEr-D: similarity of a caption to its references, in which rare n-grams weigh more.

Vedantam et al. (2015), "CIDEr: consensus-based image description evaluation". It is computed as by
coco-caption.
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
    """Return the CIDEr-D of each caption, [n], 0 to 10; its mean over images is a model's score.

    Words are those of `caption_words`. An n-gram weighs by the negative logarithm of the share of
    images in whose references it occurs, so a caption's score depends on the other images too.
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
    """Logarithm, for each n-gram, of the number of images per image with it.

    An n-gram that no reference has counts as seen in one image.
    """

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
    """Return the mean of the clipped cosines over all orders, times the penalty on length."""
    cosines = [_cosine(_weights(words, n, rarity), _weights(wanted, n, rarity)) for n in _ORDERS]
    difference = max(len(words) - 1, 0) - max(len(wanted) - 1, 0)  # in 2-grams
    return float(np.mean(cosines)) * math.exp(-(difference**2) / (2 * _SIGMA**2))


def _weights(words: list[str], order: int, rarity: _Rarity) -> Weights:
    return {ngram: count * rarity[ngram] for ngram, count in ngram_counts(words, order).items()}


def _cosine(given: Weights, wanted: Weights) -> float:
    """Return a cosine in which no n-gram counts more often than the reference has it."""
    norms = math.hypot(*given.values()) * math.hypot(*wanted.values())
    shared = math.fsum(min(given[n], wanted[n]) * wanted[n] for n in given.keys() & wanted.keys())
    return shared / norms if norms else 0.0

"""Translation memory, a baseline for translators: the answer to the most similar known text."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ORDERS = (2, 3, 4)
"""Lengths of the sequences of characters that are compared along with whole words."""


class Memory:
    """An index of known texts that finds the one most similar to another text.

    Similarity is the cosine of tf-idf weights of words and of sequences of 2 to 4 characters, in
    lower case, which suits languages without spaces too. The weights are those of Salton & Buckley
    (1988): logarithm of the frequency times logarithm of the inverse share of texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        if isinstance(texts, str) or not len(texts):
            raise ArgumentError(f"texts must be a list of at least one text; it is {texts!r}")
        self._numbers: dict[str, int] = {}
        ids, repeats, sizes = array("q"), array("q"), array("q")
        for text in texts:
            counts = _features(text)
            ids.extend([self._numbers.setdefault(each, len(self._numbers)) for each in counts])
            repeats.extend(counts.values())
            sizes.append(len(counts))
        features = np.array(ids)
        rows = np.repeat(np.arange(len(texts)), sizes)
        texts_with = np.bincount(features, minlength=len(self._numbers))
        self._most = math.log(1 + len(texts)) + 1
        self._rarity = self._most - np.log1p(texts_with)
        weights = _damped(repeats) * self._rarity[features]
        norms = np.sqrt(np.bincount(rows, weights**2, len(texts)))
        weights /= np.maximum(norms, 1e-12)[rows]
        order = np.argsort(features, kind="stable")
        self._size, self._rows, self._weights = len(texts), rows[order], weights[order]
        self._ends = np.concatenate([[0], texts_with.cumsum()])

    def nearest(self, texts: Sequence[str]) -> tuple[Ints, Floats]:
        """Return the place of the known text most similar to each text, [n], and its similarity.

        The similarity is a cosine, [n], 0 to 1. Of equally similar texts the first is taken, so it
        is also taken if none is similar.
        """
        similar = [self._similarities(text) for text in texts]
        places = np.array([each.argmax() for each in similar], dtype=np.int64)
        return places, np.array([each.max() for each in similar])

    def _similarities(self, text: str) -> Floats:
        counts = _features(text)
        weights = _damped(list(counts.values()))
        known = np.array([self._numbers.get(each, -1) for each in counts], dtype=np.int64)
        weights *= np.where(known < 0, self._most, self._rarity[known])
        weights /= max(float(np.linalg.norm(weights)), 1e-12)
        weights, known = weights[known >= 0], known[known >= 0]
        starts, ends = self._ends[known], self._ends[known + 1]
        lists = [slice(*bounds) for bounds in zip(starts.tolist(), ends.tolist(), strict=True)]
        if not lists:
            return np.zeros(self._size)
        rows = np.concatenate([self._rows[each] for each in lists])
        products = np.concatenate([self._weights[each] for each in lists])
        products *= np.repeat(weights, ends - starts)
        similar: Floats = np.bincount(rows, products, self._size).astype(np.float64)
        return similar


def _features(text: str) -> Counter[str]:
    """Count the words, with a space at both ends, and the sequences of characters of a text."""
    spaced = f" {' '.join(text.lower().split())} "
    counts = Counter(f" {word} " for word in re.findall(r"\w+", spaced))
    for order in _ORDERS:
        counts.update(spaced[at : at + order] for at in range(len(spaced) - order + 1))
    return counts


def _damped(counts: Sequence[int]) -> Floats:
    damped: Floats = 1 + np.log(np.array(counts, dtype=float))
    return damped

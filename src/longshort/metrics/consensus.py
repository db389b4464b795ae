"""Captions by consensus of the nearest images, a baseline for captioners.

Devlin et al. (2015), "Exploring nearest neighbor approaches for image captioning": an image gets,
of all captions of the images most similar to it, the caption most similar to all the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError
from longshort.metrics.texts import caption_words, ngram_counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ORDERS = (1, 2)


def neighbours_of(features: NDArray[np.floating], known: NDArray[np.floating], count: int) -> Ints:
    """Return the places of the rows of `known` nearest to each row of `features`, [m, count].

    features, known: [m, D] and [n, D]. Nearness is the cosine of features scaled to mean 0 and
    standard deviation 1 over the known rows. The nearest row comes first, of equally near ones
    that with the lower place.
    """
    if features.ndim != 2 or known.ndim != 2 or features.shape[1] != known.shape[1]:
        raise ArgumentError(
            "features and known must be one row an image, of the same columns; their shapes are "
            f"{features.shape} and {known.shape}"
        )
    if not 1 <= count <= len(known):
        raise ArgumentError(f"count must be 1 to {len(known)}, the known images; it is {count}")
    mean, spread = known.mean(0), known.std(0)
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
    similar = _unit((features - mean) * scale) @ _unit((known - mean) * scale).T
    order: Ints = np.argsort(-similar, axis=1, kind="stable")[:, :count]
    return order


def consensus(captions: Sequence[str]) -> str:
    """Return the caption most similar to all captions, by the mean F1 of their 1-grams and 2-grams.

    Words are those of `caption_words`. Of equally similar captions the first is taken.
    """
    if isinstance(captions, str) or not len(captions):
        raise ArgumentError(f"captions must be a list of at least one; it is {captions!r}")
    return captions[int(_similarity(captions).mean(1).argmax())]


def agreement(captions: Sequence[str]) -> Floats:
    """How similar each caption of an image is to the others, [n], by the F1 of `consensus`.

    It is 1 for a caption without others.
    """
    if len(captions) < 2:
        return np.ones(len(captions))
    found: Floats = (_similarity(captions).sum(1) - 1) / (len(captions) - 1)
    return found


def _similarity(captions: Sequence[str]) -> Floats:
    """F1 of the 1-grams and 2-grams of each pair of captions, [n, n]."""
    table = _table([_ngrams(each) for each in captions])
    sizes = table.sum(1)
    f1: Floats = 2 * (table @ table.T) / np.maximum(sizes[:, None] + sizes, 1)
    return f1


def consensus_captions(
    features: NDArray[np.floating],
    known: NDArray[np.floating],
    captions: Sequence[Sequence[str]],
    count: int = 20,
) -> list[str]:
    """Return a caption for each image, from the captions of the `count` nearest known images.

    features, known: features of the images [m, D] and of the known images [n, D]. captions: the
    captions of each known image. Nearness is that of `neighbours_of`.
    """
    if len(captions) != len(known):
        raise ArgumentError(
            "captions and known must be of the same images; there are "
            f"{len(captions)} and {len(known)}"
        )
    pools = neighbours_of(features, known, count).tolist()
    return [consensus([each for place in pool for each in captions[place]]) for pool in pools]


def _unit(rows: NDArray[np.floating]) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = rows / np.maximum(norms, 1e-12)
    return scaled


def _ngrams(caption: str) -> list[tuple[object, int]]:
    """Return the 1-grams and 2-grams of a caption, each with a number that counts its repeats.

    The n-grams that two captions share, as often as both have them, are then those in both lists.
    """
    words = caption_words(caption)
    counts = [pair for order in _ORDERS for pair in ngram_counts(words, order).items()]
    return [(ngram, again) for ngram, count in counts for again in range(count)]


def _table(texts: list[list[tuple[object, int]]]) -> Floats:
    """Return a row for each text with a column for each n-gram: 1 if the text has it, else 0."""
    numbers: dict[tuple[object, int], int] = {}
    columns = [[numbers.setdefault(each, len(numbers)) for each in text] for text in texts]
    table = np.zeros((len(texts), len(numbers)))
    for row, places in enumerate(columns):
        table[row, places] = 1
    return table

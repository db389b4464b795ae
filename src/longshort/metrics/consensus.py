"""Captions by consensus of the nearest images: what every captioner has to beat.

Devlin et al. (2015), "Exploring nearest neighbor approaches for image captioning": of all captions
of the images most similar to the new one, the one most similar to all the others.
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
    """The places of the nearest rows of known [n, D] to each row of features [m, D], [m, count].

    Near is a high cosine of features with mean 0 and spread 1 over the known rows. Nearest first;
    of equally near ones the first.
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
    """The caption most similar to all of them, by the mean F1 of their 1-grams and 2-grams.

    Words are those of `caption_words`; of equally similar captions the first.
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
    """A caption for each image with features [m, D], from the `count` nearest known images [n, D].

    captions: those of each known image. Near is what `neighbours_of` says.
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
    """1-grams and 2-grams, a repeated one numbered: two captions share those that both have."""
    words = caption_words(caption)
    counts = [pair for order in _ORDERS for pair in ngram_counts(words, order).items()]
    return [(ngram, again) for ngram, count in counts for again in range(count)]


def _table(texts: list[list[tuple[object, int]]]) -> Floats:
    """A row for each text and a column for each n-gram: 1 where the text has it."""
    numbers: dict[tuple[object, int], int] = {}
    columns = [[numbers.setdefault(each, len(numbers)) for each in text] for text in texts]
    table = np.zeros((len(texts), len(numbers)))
    for row, places in enumerate(columns):
        table[row, places] = 1
    return table

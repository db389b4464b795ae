"""Word by word translation from counts of sentence pairs: what every translator has to beat.

IBM model 1: Brown et al. (1993), "The mathematics of statistical machine translation". Each word of
a target sentence comes from one word of its source, whichever, or from none, by a table of
probabilities, which expectation maximisation finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sentences = Sequence[Sequence[str]]

_NONE = ""
"""Stands before each source sentence, for target words that come from none; so its number is 0."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_NO_SPACE_BEFORE = re.compile(r" ([.,;:!?%)\]}…])")
_NO_SPACE_AFTER = re.compile(r"([(\[{]) ")


def split_words(text: str) -> list[str]:
    """Words, which may contain apostrophes, and single punctuation marks."""
    return _WORD.findall(text)


def join_words(words: Sequence[str]) -> str:
    """The text of such words, with no space before a full stop or after an opening bracket."""
    return _NO_SPACE_AFTER.sub(r"\1", _NO_SPACE_BEFORE.sub(r"\1", " ".join(words)))


def word_for_word(lexicon: Mapping[str, str], words: Sequence[str]) -> list[str]:
    """The translation of each word, an unknown one as it is; neighbours that are equal are one."""
    return [word for word, _ in groupby(lexicon.get(word, word) for word in words)]


def best_translations(
    sources: Sentences, targets: Sentences, iterations: int = 4
) -> dict[str, str]:
    """The most likely target word of each source word, by IBM model 1.

    sources, targets: words of the same sentences. Sentences of 12 words need 15 kB each.
    """
    if len(sources) != len(targets) or not len(sources):
        raise ArgumentError(
            "sources and targets must be of the same sentences, at least one; there are "
            f"{len(sources)} and {len(targets)}"
        )
    if iterations < 1:
        raise ArgumentError(f"iterations must be at least 1; it is {iterations}")
    sources = [(_NONE, *words) for words in sources]
    from_words, from_ids = _numbered(sources)
    to_words, to_ids = _numbered(targets)
    source, target, group = _cells(from_ids, to_ids, sources, targets)
    pairs, pair = np.unique(source * len(to_words) + target, return_inverse=True)
    first, second = np.divmod(pairs, max(len(to_words), 1))
    best = _best(first, _maximise(pair, first, group, iterations))
    return {from_words[first[at]]: to_words[second[at]] for at in best.tolist() if first[at]}


def _numbered(sentences: Sentences) -> tuple[list[str], Ints]:
    """Words in the order of their first occurrence, and all running words as numbers."""
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
    return list(numbers), np.array(ids, dtype=np.int64)


def _cells(
    from_ids: Ints, to_ids: Ints, sources: Sentences, targets: Sentences
) -> tuple[Ints, Ints, Ints]:
    """Every source word with every target word of its sentence: both words, and which target."""
    lengths = np.array([len(words) for words in sources])
    sentence = np.repeat(np.arange(len(targets)), [len(words) for words in targets])
    starts = (lengths.cumsum() - lengths)[sentence]
    counts = lengths[sentence]  # of source words, for each target word
    group = np.repeat(np.arange(len(to_ids)), counts)
    within = np.arange(len(group)) - np.repeat(counts.cumsum() - counts, counts)
    return from_ids[starts[group] + within], to_ids[group], group


def _maximise(pair: Ints, source: Ints, group: Ints, iterations: int) -> Floats:
    """Probability of the target word given the source word of each pair that occurs together.

    pair, group: of each cell the pair, and the running target word. source: of each pair its word.
    """
    chances = np.ones(len(source))
    for _ in range(iterations):
        shares = chances[pair]
        shares /= np.bincount(group, shares)[group]
        counts = np.bincount(pair, shares, len(source))
        chances = counts / np.bincount(source, counts)[source]
    return chances


def _best(source: Ints, chances: Floats) -> Ints:
    """The likeliest pair of each source word; of equal ones the target word that was seen first."""
    order = np.lexsort((-chances, source))
    _, places = np.unique(source[order], return_index=True)
    best: Ints = order[places]
    return best

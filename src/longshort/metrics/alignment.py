"""Translation word by word, a baseline for translators, learned from pairs of sentences.

IBM model 1: Brown et al. (1993), "The mathematics of statistical machine translation". Each word of
a target sentence is the translation of one word of its source, or of none. Every word of the source
is equally likely to be that one. Expectation maximisation finds the probabilities of translations.
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
"""Word before each source sentence, for target words without a source word; its number is 0."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_NO_SPACE_BEFORE = re.compile(r" ([.,;:!?%)\]}…])")
_NO_SPACE_AFTER = re.compile(r"([(\[{]) ")


def split_words(text: str) -> list[str]:
    """Split a text into words, which may contain apostrophes, and single punctuation marks."""
    return _WORD.findall(text)


def join_words(words: Sequence[str]) -> str:
    """Join words and marks, with no space before full stops or after opening brackets."""
    return _NO_SPACE_AFTER.sub(r"\1", _NO_SPACE_BEFORE.sub(r"\1", " ".join(words)))


def word_for_word(lexicon: Mapping[str, str], words: Sequence[str]) -> list[str]:
    """Translate each word; unknown words are kept, and equal neighbours become one word."""
    return [word for word, _ in groupby(lexicon.get(word, word) for word in words)]


def best_translations(
    sources: Sentences, targets: Sentences, iterations: int = 4
) -> dict[str, str]:
    """Return the most likely target word of each source word, by IBM model 1.

    sources, targets: words of the same sentences. iterations: number of steps of expectation
    maximisation. Sentences of 12 words need 15 kB of memory each.
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
    """Return the words in the order of their first occurrence, and all running words as numbers."""
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
    return list(numbers), np.array(ids, dtype=np.int64)


def _cells(
    from_ids: Ints, to_ids: Ints, sources: Sentences, targets: Sentences
) -> tuple[Ints, Ints, Ints]:
    """Pair every source word with every target word of its sentence; each pair is a cell.

    Returns for each cell the numbers of the source word and of the target word, and the place of
    the latter among all running target words.
    """
    lengths = np.array([len(words) for words in sources])
    sentence = np.repeat(np.arange(len(targets)), [len(words) for words in targets])
    starts = (lengths.cumsum() - lengths)[sentence]
    counts = lengths[sentence]  # of source words, for each target word
    group = np.repeat(np.arange(len(to_ids)), counts)
    within = np.arange(len(group)) - np.repeat(counts.cumsum() - counts, counts)
    return from_ids[starts[group] + within], to_ids[group], group


def _maximise(pair: Ints, source: Ints, group: Ints, iterations: int) -> Floats:
    """Return for each pair of words the probability of its target word given its source word.

    pair, group: for each cell its pair of words, and its place among the running target words.
    source: for each pair its source word.
    """
    chances = np.ones(len(source))
    for _ in range(iterations):
        shares = chances[pair]
        shares /= np.bincount(group, shares)[group]
        counts = np.bincount(pair, shares, len(source))
        chances = counts / np.bincount(source, counts)[source]
    return chances


def _best(source: Ints, chances: Floats) -> Ints:
    """Return the likeliest pair of each source word; of equal ones that whose target came first."""
    order = np.lexsort((-chances, source))
    _, places = np.unique(source[order], return_index=True)
    best: Ints = order[places]
    return best

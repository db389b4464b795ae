"""ROUGE: F-score of the words that a summary or caption shares with its reference.

Lin (2004), "ROUGE: a package for automatic evaluation of summaries".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.porter import stem as stem_of
from longshort.metrics.texts import References, caption_words, ngram_counts, reference_sets

Floats = NDArray[np.float64]

_LEAST_STEMMED = 4
_BETA = 1.2
"""Weight of recall relative to precision in captions."""


def rouge(hypotheses: Sequence[str], references: References, stem: bool = True) -> Floats:
    """Return the F1 of ROUGE-1, ROUGE-2 and ROUGE-L of each text, [n, 3], 0 to 100.

    They are computed as by Google's rouge-score: texts in lower case are split into runs of a-z and
    0-9. stem: reduce words of four letters and more to their stems by Porter's algorithm. If a text
    has several references, the best value of each column counts.
    """
    sets = reference_sets(hypotheses, references)
    rows = [
        [_row(_words(text, stem), _words(each, stem)) for each in wanted]
        for text, wanted in zip(hypotheses, sets, strict=True)
    ]
    return 100 * np.array([np.max(each, axis=0) for each in rows])


def caption_rouge(hypotheses: Sequence[str], references: References) -> Floats:
    """Return the ROUGE-L of each caption, [n], 0 to 100, as coco-caption computes it.

    Recall weighs 1.2 times as much as precision; each is the largest over the references.
    """
    sets = reference_sets(hypotheses, references)
    scores = [_caption(*pair) for pair in zip(hypotheses, sets, strict=True)]
    return 100 * np.array(scores)


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest sequence of words that both have in this order, with gaps.

    Each row of the usual table is held as the bits of one integer (Hyyrö, 2004).
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    whole = (1 << len(first)) - 1
    row = whole
    for word in second:
        hits = row & places.get(word, 0)
        row = (row + hits | row - hits) & whole
    return len(first) - row.bit_count()


def _words(text: str, stem: bool) -> list[str]:
    words = re.findall("[a-z0-9]+", text.lower())
    return [stem_of(w) if len(w) >= _LEAST_STEMMED else w for w in words] if stem else words


def _row(words: list[str], wanted: list[str]) -> list[float]:
    scores = []
    for order in (1, 2):
        given, true = ngram_counts(words, order), ngram_counts(wanted, order)
        scores.append(_f1((given & true).total(), given.total(), true.total()))
    return [*scores, _f1(common_subsequence(words, wanted), len(words), len(wanted))]


def _f1(matches: int, given: int, true: int) -> float:
    return 2 * matches / (given + true) if matches else 0.0


def _caption(hypothesis: str, references: list[str]) -> float:
    words, wanted = caption_words(hypothesis), [caption_words(each) for each in references]
    shared = [common_subsequence(words, each) for each in wanted]
    if not any(shared):
        return 0.0
    precision = max(shared) / len(words)
    recall = max(count / max(len(each), 1) for count, each in zip(shared, wanted, strict=True))
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)

"""ROUGE: how many words a summary or caption shares with its reference.

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
"""How much more recall weighs than precision in captions."""


def rouge(hypotheses: Sequence[str], references: References, stem: bool = True) -> Floats:
    """F1 of ROUGE-1, -2 and -L of each text, [n, 3], 0 to 100; as Google's rouge-score computes it.

    Texts in lower case are split into runs of a-z and 0-9. stem: words of four letters and more are
    stemmed by Porter's algorithm. Of several references the best counts, for each column.
    """
    sets = reference_sets(hypotheses, references)
    rows = [
        [_row(_words(text, stem), _words(each, stem)) for each in wanted]
        for text, wanted in zip(hypotheses, sets, strict=True)
    ]
    return 100 * np.array([np.max(each, axis=0) for each in rows])


def caption_rouge(hypotheses: Sequence[str], references: References) -> Floats:
    """ROUGE-L of each caption, [n], 0 to 100, as coco-caption computes it.

    Recall weighs 1.2 times as much; it and precision are the largest over the references.
    """
    sets = reference_sets(hypotheses, references)
    scores = [_caption(*pair) for pair in zip(hypotheses, sets, strict=True)]
    return 100 * np.array(scores)


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest sequence of words that both have in this order, with gaps.

    Row by row of the usual table, a row being the bits of one integer (Hyyrö, 2004).
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

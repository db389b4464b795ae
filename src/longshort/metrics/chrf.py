"""chrF: F-score of character n-grams, for translations.

Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation". It is computed by the
defaults of sacrebleu: n-grams have up to 6 characters, recall weighs twice as much as precision,
white space is left out, and orders longer than a text do not count. Like BLEU it follows from sums
over sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.texts import References, reference_sets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ORDER = 6
_BETA = 2
"""Weight of recall relative to precision."""


def chrf(hypotheses: Sequence[str], references: References) -> float:
    """Return the cased chrF of a corpus, 0 to 100.

    If a sentence has several references, the one with its best score counts.
    """
    return float(chrf_scores(chrf_statistics(hypotheses, references).sum(0)))


def chrf_statistics(hypotheses: Sequence[str], references: References) -> Ints:
    """Return the counts of each sentence, [n, 18], whose sums give chrF by `chrf_scores`.

    The columns are, for 1 to 6 characters each, the number of n-grams of the hypothesis, of the
    reference, and of both. For orders longer than the reference, n-grams of the hypothesis are not
    counted.
    """
    sets = reference_sets(hypotheses, references)
    return np.array([_best_row(*pair) for pair in zip(hypotheses, sets, strict=True)])


def chrf_scores(sums: NDArray[Any]) -> Floats:
    """Return chrF, 0 to 100, of sums of `chrf_statistics` in the last axis: [..., 18] -> [...]."""
    given, wanted, matches = np.split(sums.astype(float), 3, axis=-1)
    counts = (given > 0) & (wanted > 0)
    orders = np.maximum(counts.sum(-1), 1)
    precision = np.where(counts, matches / np.maximum(given, 1), 0).sum(-1) / orders
    recall = np.where(counts, matches / np.maximum(wanted, 1), 0).sum(-1) / orders
    weighted = _BETA**2 * precision + recall
    scores: Floats = 100 * (1 + _BETA**2) * precision * recall / np.where(weighted, weighted, 1)
    return scores


def _best_row(hypothesis: str, references: list[str]) -> Ints:
    found = _counts(hypothesis)
    rows = np.array([_row(found, _counts(each)) for each in references])
    best: Ints = rows[chrf_scores(rows).argmax()]
    return best


def _row(found: list[Counter[str]], wanted: list[Counter[str]]) -> list[int]:
    pairs = list(zip(found, wanted, strict=True))
    given = [f.total() if w else 0 for f, w in pairs]
    return [*given, *(w.total() for w in wanted), *((f & w).total() for f, w in pairs)]


def _counts(text: str) -> list[Counter[str]]:
    """Count the sequences of 1 to 6 characters, without white space."""
    text = "".join(text.split())
    return [
        Counter(text[start : start + order] for start in range(len(text) - order + 1))
        for order in range(1, ORDER + 1)
    ]

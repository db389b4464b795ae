"""Errors of transcripts: of words and of characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.edits import Edits, character_edits, total, word_edits

Statistics = NDArray[np.float64]
"""Errors and tokens of each utterance, [n, 4]: of words, then of characters."""


def statistics(references: Sequence[str], texts: Sequence[str]) -> Statistics:
    """Return errors and numbers of words and of characters of each utterance, [n, 4]."""
    words, letters = word_edits(references, texts), character_edits(references, texts)
    rows = [[w.errors, w.tokens, c.errors, c.tokens] for w, c in zip(words, letters, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def values(references: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of quality."""
    words, letters = total(word_edits(references, texts)), character_edits(references, texts)
    wrong = sum(wanted != text for wanted, text in zip(references, texts, strict=True))
    return {
        "wer": words.rate,
        "cer": total(letters).rate,
        "wrong": 100.0 * wrong / max(1, len(texts)),
        **counts(words),
    }


def counts(words: Edits) -> dict[str, int]:
    """Return the numbers of the kinds of errors."""
    return {
        "substitutions": words.substitutions,
        "deletions": words.deletions,
        "insertions": words.insertions,
    }


def negated_wer(sums: NDArray[Any]) -> Any:
    """Return the word errors in percent with a minus, higher is better, of sums [..., 4]."""
    return -100.0 * sums[..., 0] / np.maximum(sums[..., 1], 1.0)

"""Scores of reading: errors of signs and of words, by a shortest way from what stands there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.edits import aligned, edits
from longshort.tasks.read.encoder import ReadEncoder
from longshort.tasks.read.inference import Readings
from longshort.tasks.read.samples import Lines

Floats = NDArray[np.float64]


COLUMNS = ("substituted", "deleted", "inserted", "signs", "word errors", "words", "exact")


def statistics(samples: Lines, found: Readings, encoder: ReadEncoder) -> Floats:
    """Return of each line the counts of `COLUMNS`, [n, 7]."""
    rows = []
    for text, reading, signs in zip(samples.texts or [], found.texts, found.signs, strict=True):
        each = edits(aligned(encoder.split(text), signs))
        words = edits(aligned(text.split(), reading.split()))
        counts = (each.substitutions, each.deletions, each.insertions, each.tokens)
        rows.append([*counts, words.errors, words.tokens, text == reading])
    return np.array(rows, dtype=np.float64)


def error_rate(sums: NDArray[Any]) -> Any:
    """Return the errors per 100 signs from sums [..., 7] of statistics."""
    return 100.0 * sums[..., :3].sum(-1) / np.maximum(sums[..., 3], 1)


def values(sums: Floats, count: int) -> dict[str, Any]:
    """Return the metrics from sums over `count` lines."""
    per_sign = 100.0 / max(sums[3], 1)
    return {
        "cer": float(error_rate(sums)),
        "wer": float(100.0 * sums[4] / max(sums[5], 1)),
        "exact": float(sums[6] / count),
        "substituted": float(per_sign * sums[0]),
        "deleted": float(per_sign * sums[1]),
        "inserted": float(per_sign * sums[2]),
    }


def confusions(samples: Lines, found: Readings, encoder: ReadEncoder) -> Counter[tuple[str, str]]:
    """Return how often a sign was read as another; "" for none."""
    counts: Counter[tuple[str, str]] = Counter()
    for text, signs in zip(samples.texts or [], found.signs, strict=True):
        pairs = aligned(encoder.split(text), signs)
        counts.update((a or "", b or "") for a, b in pairs if a != b)
    return counts

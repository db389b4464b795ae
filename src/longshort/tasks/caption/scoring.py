"""Scores of captions, and how varied and how new they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.bleu import bleu_scores, bleu_statistics, caption_bleu
from longshort.metrics.cider import cider
from longshort.metrics.rouge import caption_rouge
from longshort.metrics.texts import caption_words
from longshort.tasks.caption.samples import Captioned


def plain(text: str) -> str:
    """Return the words of a text that are scored."""
    return " ".join(caption_words(text))


def statistics(samples: Captioned, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return of each caption what BLEU needs, [n, 10], by the rules of coco-caption."""
    wanted = [[plain(each) for each in found] for found in samples.references or []]
    return bleu_statistics([plain(text) for text in texts], wanted, "none").astype(np.float64)


def bleu_of(sums: NDArray[Any]) -> Any:
    """Return unsmoothed BLEU-4 of sums [..., 10] of statistics."""
    return bleu_scores(sums, smooth=False)


def mean_cider(samples: Captioned, texts: Sequence[str]) -> float:
    """Return the mean CIDEr-D over images."""
    return float(cider(texts, samples.references or []).mean())


def values(samples: Captioned, texts: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of quality, and the number of different captions per caption."""
    references = samples.references or []
    bleu = caption_bleu(texts, references)
    return {
        "bleu4": bleu[3],
        "bleu1": bleu[0],
        "cider": mean_cider(samples, texts),
        "rougel": float(caption_rouge(texts, references).mean()),
        "distinct": len({plain(text) for text in texts}) / len(texts),
    }


def novelty(texts: Sequence[str], known: Collection[str]) -> float:
    """Return the share of captions that are no training caption; `known` are `plain`."""
    return sum(plain(text) not in known for text in texts) / max(1, len(texts))


def words_used(texts: Sequence[str]) -> int:
    """Return the number of different words in these captions."""
    return len({word for text in texts for word in caption_words(text)})

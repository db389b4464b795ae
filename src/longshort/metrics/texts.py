"""Texts and their references, as the metrics of translations, summaries and captions take them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from longshort.errors import ArgumentError

References = Sequence[str | Sequence[str]]
"""For each text one reference, or several."""


def reference_sets(hypotheses: Sequence[str], references: References) -> list[list[str]]:
    """The references of each hypothesis as a list; refuses what does not pair up."""
    if isinstance(hypotheses, str):
        raise ArgumentError(f"hypotheses must be a list of texts; it is the text {hypotheses!r}")
    if not len(hypotheses) or len(hypotheses) != len(references):
        raise ArgumentError(
            "hypotheses and references must be of the same texts, at least one; there are "
            f"{len(hypotheses)} and {len(references)}"
        )
    sets = [[each] if isinstance(each, str) else list(each) for each in references]
    if not all(sets):
        raise ArgumentError(f"references[{sets.index([])}] must hold a text; it is empty")
    return sets


def ngram_counts(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    """How often each sequence of `order` neighbouring words occurs."""
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def caption_words(text: str) -> list[str]:
    """Words of a caption in lower case, without punctuation; apostrophes stay."""
    return re.findall(r"[\w']+", text.lower())

"""Texts and their references, as arguments of metrics of translations, summaries and captions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from longshort.errors import ArgumentError

References = Sequence[str | Sequence[str]]
"""One reference for each text, or several."""


def reference_sets(hypotheses: Sequence[str], references: References) -> list[list[str]]:
    """Return the references of each hypothesis as a list.

    Raises `ArgumentError` if their numbers differ, or if a hypothesis has no reference.
    """
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
    """Count the occurrences of each sequence of `order` neighbouring words."""
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def caption_words(text: str) -> list[str]:
    """Return the words of a caption in lower case, without punctuation; apostrophes are kept."""
    return re.findall(r"[\w']+", text.lower())

"""Beginnings of texts as their summaries, a baseline for summarisers."""

from __future__ import annotations

import re

from longshort.errors import ArgumentError

_END = re.compile(r"(?<=[.!?])\s+|\n")
"""White space between sentences: after a full stop or similar mark, or the end of a line."""


def first_words(text: str, count: int = 8) -> str:
    """Return the first `count` words of a text, which is split at white space."""
    if count < 1:
        raise ArgumentError(f"count must be at least 1; it is {count}")
    return " ".join(text.split()[:count])


def first_sentence(text: str, least: int = 3, most: int | None = None) -> str:
    """Return the first sentence of at least `least` words, else the text.

    Greetings rarely have so many words. A sentence ends at ".", "!" or "?" before white space, or
    with its line. most: number of words to which it is cut; None for no limit.
    """
    sentences = _END.split(text)
    found = next((each for each in sentences if len(each.split()) >= least), text)
    return first_words(found, max(len(found), 1) if most is None else most)

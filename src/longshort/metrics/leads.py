"""The beginning of a text as its summary: what every summariser has to beat."""

from __future__ import annotations

import re

from longshort.errors import ArgumentError

_END = re.compile(r"(?<=[.!?])\s+|\n")
"""Where a sentence ends: after a mark before white space, or with the line."""


def first_words(text: str, count: int = 8) -> str:
    """The first words of a text, split at white space."""
    if count < 1:
        raise ArgumentError(f"count must be at least 1; it is {count}")
    return " ".join(text.split()[:count])


def first_sentence(text: str, least: int = 3, most: int | None = None) -> str:
    """The first sentence of at least `least` words, which a greeting rarely has; else the text.

    A sentence ends at ".", "!" or "?" before white space, and with its line. most: cut to so many
    words; by default it is not cut.
    """
    sentences = _END.split(text)
    found = next((each for each in sentences if len(each.split()) >= least), text)
    return first_words(found, max(len(found), 1) if most is None else most)

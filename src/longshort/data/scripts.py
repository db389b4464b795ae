"""Detection of the scripts of texts, such as Latin or Cyrillic, by the names of their letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

_FEWEST = 5
"""Least number of letters by which the script of a text is decided."""
_MOSTLY = 0.8
"""Least share of a text's letters, or of many texts, that a script must have to be theirs."""
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")


def script_of(text: str) -> str:
    """Return the script of nearly all letters of a text; empty for few letters or a mixture."""
    counts: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if char.isalpha():
            counts[_script(char)] += count
    return _leading(counts, _FEWEST)


def script_of_all(texts: Iterable[str]) -> str:
    """Return the script of nearly all texts that have one; empty for a mixture."""
    return _leading(Counter(filter(None, map(script_of, texts))), 1)


def _leading(counts: Counter[str], fewest: int) -> str:
    total = counts.total()
    (script, count) = counts.most_common(1)[0] if counts else ("", 0)
    return script if total >= fewest and count >= _MOSTLY * total else ""


@cache
def _script(char: str) -> str:
    """Return the first word of a letter's name, such as "Latin"; "East Asian" for CJK and kana."""
    word = unicodedata.name(char, "other").removeprefix("FULLWIDTH ").split(" ")[0]
    return "East Asian" if word in _EAST_ASIAN else word.title()

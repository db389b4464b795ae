"""Errors of recognised words and characters: the fewest edits that make a text of its reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from longshort.errors import ArgumentError

T = TypeVar("T")
Pair = tuple[T | None, T | None]
"""A token of the reference and what stands for it; None where it is missing, or one too many."""


def aligned(reference: Sequence[T], found: Sequence[T]) -> list[Pair[T]]:
    """Return the pairs of tokens of a cheapest edit (Levenshtein, 1966; every edit costs 1).

    Of equally cheap edits a substitution comes before a deletion, and that before an insertion,
    from the end.
    """
    costs = [list(range(len(found) + 1))]
    for i, wanted in enumerate(reference, 1):
        above, row = costs[-1], [i]
        for j, token in enumerate(found, 1):
            row.append(min(above[j - 1] + (wanted != token), above[j] + 1, row[-1] + 1))
        costs.append(row)
    pairs: list[Pair[T]] = []
    i, j = len(reference), len(found)
    while i or j:
        here = costs[i][j]
        if i and j and here == costs[i - 1][j - 1] + (reference[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((reference[i], found[j]))
        elif i and here == costs[i - 1][j] + 1:
            i -= 1
            pairs.append((reference[i], None))
        else:
            j -= 1
            pairs.append((None, found[j]))
    return pairs[::-1]


@dataclass(frozen=True)
class Edits:
    """Numbers of edits, and of tokens of the references."""

    substitutions: int
    deletions: int
    insertions: int
    tokens: int

    @property
    def errors(self) -> int:
        """All edits together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors in percent of the reference's tokens; they may be more than 100.

        Without any token 0 if there is no error either, else 100.
        """
        if not self.tokens:
            return 100.0 if self.errors else 0.0
        return 100.0 * self.errors / self.tokens

    def __add__(self, other: Edits) -> Edits:
        """Return the numbers of two texts together."""
        return Edits(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.tokens + other.tokens,
        )


def edits(pairs: Iterable[Pair[T]]) -> Edits:
    """Count the edits among aligned pairs."""
    found: Counter[str] = Counter()
    for wanted, token in pairs:
        found["tokens"] += wanted is not None
        kind = "deletions" if token is None else "insertions" if wanted is None else "substitutions"
        found[kind] += wanted != token
    names = ("substitutions", "deletions", "insertions", "tokens")
    return Edits(*(found[name] for name in names))


def word_edits(references: Sequence[str], texts: Sequence[str]) -> list[Edits]:
    """Return the edits of each text's words, which white space parts."""
    return [edits(aligned(w.split(), t.split())) for w, t in _pairs(references, texts)]


def character_edits(references: Sequence[str], texts: Sequence[str]) -> list[Edits]:
    """Return the edits of each text's characters, spaces among them."""
    return [edits(aligned(wanted, text)) for wanted, text in _pairs(references, texts)]


def confusions(
    references: Sequence[str], texts: Sequence[str], *, words: bool = False
) -> list[tuple[Pair[str], int]]:
    """Return the pairs that differ with their counts, the most frequent first.

    words: pairs of words instead of characters.
    """
    found: Counter[Pair[str]] = Counter()
    for wanted, text in _pairs(references, texts):
        pairs = (
            aligned(wanted.split(), text.split()) if words else aligned(list(wanted), list(text))
        )
        found.update(pair for pair in pairs if pair[0] != pair[1])
    return found.most_common()


def total(each: Iterable[Edits]) -> Edits:
    """Return the numbers of all texts together."""
    return sum(each, Edits(0, 0, 0, 0))


def _pairs(references: Sequence[str], texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    if len(references) != len(texts):
        raise ArgumentError(
            f"references and texts must be as many; they are {len(references)} and {len(texts)}"
        )
    return zip(references, texts, strict=True)

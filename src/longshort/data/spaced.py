"""Words or characters as tokens that include the spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from longshort.data.vocabulary import UNKNOWN, Vocabulary

Kind = Literal["words", "characters"]

_MARKS = ("<s>", "</s>")
"""First tokens of the vocabulary, which occur in no text and have the numbers of begin and end."""
_WORD = re.compile(r" ?(?:\w+(?:['’]\w+)*|[^\w\s])")


class Spaced:
    """A coder of words or characters whose joined tokens are the text again.

    A word includes the space before it; among characters, a space is a token.
    """

    def __init__(self, kind: Kind, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._cut = _CUTS[kind]
        self._unknown = " <unk>" if kind == "words" else "<unk>"

    @staticmethod
    def fit(texts: Sequence[str], kind: Kind, size: int | None, min_count: int) -> Spaced:
        """Fit on texts; raises `DataError` if no token is frequent enough."""
        room = None if size is None else size - len(_MARKS)
        counted = Vocabulary.fit(map(_CUTS[kind], texts), min_count, room).checked(min_count)
        return Spaced(kind, _marked(counted))

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens."""
        return self.vocabulary.encode(self._cut(text))

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of these tokens; an unknown one is <unk>."""
        known = self.vocabulary.tokens
        parts = [self._unknown if n == UNKNOWN else known[n] for n in numbers]
        return "".join(parts).removeprefix(" ")

    def tokens(self, numbers: Sequence[int]) -> list[str]:
        """Return the tokens with these numbers; ▁ is a space."""
        return [token.replace(" ", "▁") for token in self.vocabulary.decode(numbers)]

    def unknown(self, text: str) -> list[str]:
        """Return the words or characters that are not known, without the spaces before them."""
        return [token.strip() for token in self._cut(text) if token not in self.vocabulary]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return self.vocabulary.to_dict()

    @staticmethod
    def from_dict(kind: Kind, stored: object) -> Spaced:
        """Return the tokens that `to_dict` wrote; raises `RunError` for damaged values."""
        return Spaced(kind, Vocabulary.from_dict(stored))


def _marked(counted: Vocabulary) -> Vocabulary:
    return Vocabulary([*_MARKS, *counted.tokens[2:]])


def _words(text: str) -> list[str]:
    """Split a text into words with a space before them.

    The first word gets a space too, so that a word is the same token anywhere.
    """
    return _WORD.findall(f" {text}") if text else []


_CUTS: dict[Kind, Callable[[str], list[str]]] = {"words": _words, "characters": list}

"""Conversion of raw text to token numbers and back, fitted on the training split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import takewhile
from typing import Any, Protocol

from longshort.config.parallel import TokenKind
from longshort.data.spaced import Spaced
from longshort.data.subwords import Subwords
from longshort.data.tokens import suited
from longshort.errors import RunError

PADDING, UNKNOWN, BEGIN, END = range(4)
"""Numbers that every coder reserves for padding, unknown tokens, and begin and end of a text."""


class Codec(Protocol):
    """A coder for one kind of tokens, used by `TextCoder`.

    Its texts have single spaces only, and its numbers no padding, begin or end.
    """

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens."""

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of these tokens."""

    def tokens(self, numbers: Sequence[int]) -> list[str]:
        """Return the tokens in readable form; ▁ is a space."""

    def unknown(self, text: str) -> list[str]:
        """Return the words or characters of a text that have no token."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""


class TextCoder:
    """A coder that turns texts into token numbers and back; both sides of a pair may share it.

    Case and spaces are restored, except that a run of white space becomes one space.
    """

    def __init__(self, kind: TokenKind, codec: Codec) -> None:
        self.kind = kind
        self._codec = codec

    @staticmethod
    def fit(
        texts: Iterable[str], kind: TokenKind, size: int | None = None, min_count: int = 1
    ) -> TextCoder:
        """Fit on training texts; `size` and `min_count` limit which tokens are known.

        size: number of tokens, including the four special ones; None for the default. min_count:
        least count of a known word or character; it has no effect on subwords. Raises `DataError`
        if no token is frequent enough, and `ConfigError` if a library is missing.
        """
        plain = [collapsed(text) for text in texts]
        if kind == "subwords":
            return TextCoder(kind, Subwords.fit(plain, size))
        return TextCoder(kind, Spaced.fit(plain, kind, size, min_count))

    def __len__(self) -> int:
        return len(self._codec)

    @property
    def vocabulary(self) -> list[str] | None:
        """Words with the spaces before them, or characters, by number; None for subwords."""
        return self._codec.vocabulary.tokens if isinstance(self._codec, Spaced) else None

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens, without begin and end."""
        return self._codec.encode(collapsed(text))

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of token numbers up to the first end; padding and begin are left out."""
        return self._codec.decode(_plain(numbers))

    def tokens(self, numbers: Iterable[int]) -> list[str]:
        """Return the tokens that `decode` would join, in readable form; ▁ is a space."""
        return self._codec.tokens(_plain(numbers))

    def unknown(self, text: str) -> list[str]:
        """Return the words of a text that have no token; for kinds other than words, characters."""
        return self._codec.unknown(collapsed(text))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": self.kind, **self._codec.to_dict()}

    @staticmethod
    def from_dict(stored: object) -> TextCoder:
        """Return the coder that `to_dict` wrote; raises `RunError` for damaged values."""
        kind = stored.get("kind") if isinstance(stored, dict) else None
        if kind == "subwords":
            return TextCoder("subwords", Subwords.from_dict(stored))
        if kind == "words" or kind == "characters":
            return TextCoder(kind, Spaced.from_dict(kind, stored))
        raise RunError(
            "data.json: damaged: tokens are expected, of the kind subwords, words or characters, "
            f"got {kind!r}"
        )


def suited_kind(texts: Sequence[str]) -> TokenKind:
    """Return the default kind of tokens for these texts, among those whose library is installed."""
    if suited(texts) == "characters":
        return "characters"
    return "words" if find_spec("sentencepiece") is None else "subwords"


def collapsed(text: str) -> str:
    """Return a text with one space for each run of white space, and none at its ends."""
    return " ".join(text.split())


def _plain(numbers: Iterable[int]) -> list[int]:
    kept = takewhile(lambda number: number != END, map(int, numbers))
    return [number for number in kept if number not in (PADDING, BEGIN)]

"""Vocabulary of tokens, fitted on the training split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from longshort.errors import DataError, RunError

PADDING, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unk>")


class Vocabulary:
    """Tokens and their numbers: 0 is padding, 1 is every unknown token."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = [*SPECIAL, *tokens]
        self._numbers = {token: i for i, token in enumerate(tokens, len(SPECIAL))}

    @staticmethod
    def fit(
        sequences: Iterable[Sequence[str]], min_count: int = 1, max_size: int | None = None
    ) -> Vocabulary:
        """Fit on tokenised texts: the most frequent tokens first, equally frequent ones sorted.

        min_count: rarer tokens are unknown. max_size: largest size, the two special tokens
        included.
        """
        counts = Counter(token for sequence in sequences for token in sequence)
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        known = [token for token, count in ranked if count >= min_count]
        return Vocabulary(known if max_size is None else known[: max_size - len(SPECIAL)])

    def checked(self, min_count: int) -> Vocabulary:
        """Return the vocabulary; raises `DataError` if `min_count` made every token unknown."""
        if self._numbers:
            return self
        raise DataError(
            "the training text has no token that is frequent enough to be known: it takes "
            f"{min_count} times (text.min_count)"
        )

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._numbers

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the numbers of tokens."""
        numbers = self._numbers
        return [numbers.get(token, UNKNOWN) for token in tokens]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the tokens of numbers."""
        return [self.tokens[number] for number in numbers]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"tokens": self.tokens[len(SPECIAL) :]}

    @staticmethod
    def from_dict(stored: object) -> Vocabulary:
        """Return the vocabulary that `to_dict` wrote; raises `RunError` for damaged values."""
        tokens = stored.get("tokens") if isinstance(stored, dict) else None
        if not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens):
            raise RunError(
                "data.json: damaged: a vocabulary is expected, a list of texts under 'tokens'"
            )
        if len(set(tokens)) != len(tokens):
            raise RunError("data.json: damaged: a token stands twice in a vocabulary")
        return Vocabulary(tokens)

"""Texts read or generated token by token, each with its probability and the likeliest tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from longshort.data.vocabulary import UNKNOWN
from longshort.decoding.sampling import draw
from longshort.runs.abilities import Context, Piece
from longshort.runs.writing import Drawing
from longshort.tasks.language.encoder import LanguageEncoder

Log = np.ndarray[Any, np.dtype[Any]]


class Pieces:
    """Reads and writes from contexts whose first array is the log probabilities [1, V].

    advance: returns the context after one more token.
    """

    def __init__(self, encoder: LanguageEncoder, advance: Any) -> None:
        self.encoder, self.advance = encoder, advance

    def read_on(self, context: Context, text: str, likely: int) -> Iterator[tuple[Piece, Context]]:
        """Yield the tokens of a text, and the context after each."""
        numbers = self.encoder.encode(text).tolist()
        tokens = self.encoder.cut(text)
        texts = self.encoder.stream(numbers)
        for token, number, added in zip(tokens, numbers, texts, strict=True):
            logs = context[0][0]
            context = self.advance(context, number)
            yield self._piece(logs, number, token, added, likely), context

    def write_on(
        self, context: Context, before: str, how: Drawing, likely: int
    ) -> Iterator[tuple[Piece, Context]]:
        """Yield tokens that are drawn, without end, and the context after each.

        before: the text so far, which tells whether a space comes first. The unknown token is never
        drawn.
        """
        chance, options = np.random.default_rng(how.seed), how.options()
        drawn: list[int] = []

        def latest() -> Iterator[int]:
            while True:
                yield drawn[-1]

        texts = self.encoder.stream(latest(), before)
        while True:
            allowed = context[0].copy()
            allowed[:, UNKNOWN - 1] = -np.inf
            number = int(draw(allowed.astype(np.float64), chance.random(1), options)[0]) + 1
            drawn.append(number)
            logs = context[0][0]
            context = self.advance(context, number)
            token = self.encoder.vocabulary.tokens[number]
            yield self._piece(logs, number, token, next(texts), likely), context

    def _piece(self, logs: Log, number: int, token: str, text: str, likely: int) -> Piece:
        """Return a token with its probability, and the most probable ones at its place."""
        best: list[tuple[str, float]] = []
        if likely:
            order = np.argsort(-logs, kind="stable")[:likely].tolist()
            words = self.encoder.vocabulary.tokens
            best = [(words[other + 1], float(logs[other])) for other in order]
        return Piece(token, text, float(logs[number - 1]), tuple(best))

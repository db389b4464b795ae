"""How hypotheses came about: every step's tokens, and which row each continues."""

from __future__ import annotations

import numpy as np

from longshort.decoding.stepping import Floats, Rows, Tokens


class Trail:
    """A hypothesis is a depth, its number of tokens, and a row among those of that depth."""

    def __init__(self) -> None:
        self._previous: list[Rows] = []
        self._tokens: list[Tokens] = []
        self._attention: list[Floats | None] = []

    def add(self, previous: Rows, tokens: Tokens, attention: Floats | None) -> None:
        """One token more: row i, [n], continues row previous[i] of the depth before."""
        self._previous.append(previous)
        self._tokens.append(tokens)
        self._attention.append(attention)

    def tokens(self, depth: int, rows: Rows) -> Tokens:
        """Tokens of m hypotheses of one depth, [m, depth]."""
        found = np.empty((len(rows), depth), np.int64)
        for step in reversed(range(depth)):
            found[:, step] = self._tokens[step][rows]
            rows = self._previous[step][rows]
        return found

    def attention(self, depth: int, row: int) -> Floats | None:
        """Attention of one hypothesis, [depth, S], or None if the model has none."""
        if self._attention[0] is None:
            return None
        found = np.empty((depth, self._attention[0].shape[1]), self._attention[0].dtype)
        for step in reversed(range(depth)):
            attention = self._attention[step]
            assert attention is not None
            found[step] = attention[row]
            row = int(self._previous[step][row])
        return found

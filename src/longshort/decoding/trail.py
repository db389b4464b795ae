"""Record of the tokens of each step of a search, from which hypotheses are restored."""

from __future__ import annotations

import numpy as np

from longshort.decoding.stepping import Floats, Rows, Tokens


class Trail:
    """Tokens and attention of all steps, and for each row the row of the step before it continues.

    A hypothesis is named by a depth, which is its number of tokens, and by a row of that depth.
    """

    def __init__(self) -> None:
        self._previous: list[Rows] = []
        self._tokens: list[Tokens] = []
        self._attention: list[Floats | None] = []

    def add(self, previous: Rows, tokens: Tokens, attention: Floats | None) -> None:
        """Add a step of n rows, in which row i continues row previous[i] of the depth before."""
        self._previous.append(previous)
        self._tokens.append(tokens)
        self._attention.append(attention)

    def tokens(self, depth: int, rows: Rows) -> Tokens:
        """Return the tokens of m hypotheses of one depth, [m, depth]."""
        found = np.empty((len(rows), depth), np.int64)
        for step in reversed(range(depth)):
            found[:, step] = self._tokens[step][rows]
            rows = self._previous[step][rows]
        return found

    def attention(self, depth: int, row: int) -> Floats | None:
        """Return the attention of one hypothesis, [depth, S], or None if the model has none."""
        if self._attention[0] is None:
            return None
        found = np.empty((depth, self._attention[0].shape[1]), self._attention[0].dtype)
        for step in reversed(range(depth)):
            attention = self._attention[step]
            assert attention is not None
            found[step] = attention[row]
            row = int(self._previous[step][row])
        return found

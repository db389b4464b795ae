"""The interface that a model offers to decoding."""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Tokens = NDArray[np.int64]
Rows = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


class Stepper(Protocol):
    """A model in the middle of n sequences; each is a row with the state after its tokens so far.

    For an encoder-decoder a row holds the encoded source and the decoder's state, for captions the
    encoded picture, for a language model the state after a prompt. At the start there is a row for
    each sentence. Both methods return a new state and leave this one unchanged. The results of a
    row should depend on that row alone, so that its sentence does not depend on the batch.
    """

    def step(self, tokens: Tokens) -> tuple[Floats, Floats | None, Self]:
        """Read one token in each row, tokens [n], and predict the next.

        Returns the log probabilities of the next token [n, V], the attention to S source positions
        while predicting it [n, S] or None, and the new state. S is the same at every step, with
        0 at padding. The caller may write into the log probabilities; impossible tokens have -inf.
        """
        ...

    def take(self, rows: Rows) -> Self:
        """Return the state of rows [m], numbers from 0 to n - 1 in any order and with repeats."""
        ...


def stepped(state: Stepper, tokens: Tokens) -> tuple[Floats, Floats | None, Stepper]:
    """Return `state.step(tokens)` with log probabilities that can be written into.

    Raises `ArgumentError` if their shape does not fit the tokens.
    """
    logs, attention, after = state.step(tokens)
    if logs.ndim != 2 or len(logs) != len(tokens):
        raise ArgumentError(
            f"log probabilities: [{len(tokens)}, V] is expected of step, got {list(logs.shape)}"
        )
    return np.require(logs, requirements="W"), attention, after


def taken(state: Stepper, rows: Rows, count: int) -> Stepper:
    """Return `state.take(rows)`, or `state` itself if all `count` rows keep their places."""
    return state if np.array_equal(rows, np.arange(count)) else state.take(rows)

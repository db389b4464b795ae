"""What a model has to offer so that sequences can be searched, drawn and scored."""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Tokens = NDArray[np.int64]
Rows = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


class Stepper(Protocol):
    """A model in the middle of n sequences, its rows, each with all that came before.

    For an encoder-decoder that is the encoded source and the decoder's state, for captions the
    picture, for a language model the state after a prompt. At the start there is a row for each
    sentence. Both methods return a new state and leave this one as it is. A row's numbers should
    depend on that row alone; then so does what is decoded from it.
    """

    def step(self, tokens: Tokens) -> tuple[Floats, Floats | None, Self]:
        """Reads a token in each row, tokens [n].

        Returns the log probabilities of the next token [n, V], attention to S source positions
        while predicting it [n, S] or None, and the state after. S is the same at every step, with
        0 at padding. The caller may write into the log probabilities; -inf is what is impossible.
        """
        ...

    def take(self, rows: Rows) -> Self:
        """The state of these rows [m], numbers from 0 to n - 1 in any order and number."""
        ...


def stepped(state: Stepper, tokens: Tokens) -> tuple[Floats, Floats | None, Stepper]:
    """`state.step`, with log probabilities that fit and can be written into."""
    logs, attention, after = state.step(tokens)
    if logs.ndim != 2 or len(logs) != len(tokens):
        raise ArgumentError(
            f"log probabilities: [{len(tokens)}, V] is expected of step, got {list(logs.shape)}"
        )
    return np.require(logs, requirements="W"), attention, after


def taken(state: Stepper, rows: Rows, count: int) -> Stepper:
    """`state.take`, left out where all of the `count` rows stay where they are."""
    return state if np.array_equal(rows, np.arange(count)) else state.take(rows)

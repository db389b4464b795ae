"""A transducer's network over texts, as decoding asks it: rows of single texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.transducer import Floats
from longshort.runs.state_steps import beside
from longshort.runs.task import Model
from longshort.runtime.network import is_array
from longshort.runtime.tree import flatten, unflatten

Array = NDArray[Any]
Row = tuple[Array, tuple[Array, ...]]
"""What the joint takes of a text, [J], and the states of the layers, [L, H] each."""


class NetworkPredictor:
    """Calls the functions `first_text`, `longer_text` and `join` of a network."""

    def __init__(self, model: Model[Any, Any]) -> None:
        self.call = model.call
        text, state = self.call("first_text")
        parts, self._form = flatten(state, is_array)
        self._first: Row = (text[0], tuple(part[:, 0] for part in parts))

    def first(self) -> Row:
        """Return the row of the empty text."""
        return self._first

    def after(self, rows: Sequence[Row], labels: Sequence[int]) -> list[Row]:
        """Return the rows of texts with one more label each."""
        states = zip(*(row[1] for row in rows), strict=True)
        state = unflatten(self._form, iter([np.stack(each, 1) for each in states]))
        text, found = self.call("longer_text", np.array(labels, dtype=np.int64), state)
        parts = flatten(found, is_array)[0]
        return [(text[n], tuple(part[:, n] for part in parts)) for n in range(len(rows))]

    def logs(self, sound: Floats, rows: Sequence[Row]) -> Floats:
        """Return the log probabilities [n, C] of the next label or the blank in a step."""
        texts = np.stack([row[0] for row in rows])
        scores = self.call("join", np.repeat(sound[None], len(rows), 0), texts)
        found: Floats = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return found


def rehearse(model: Model[Any, Any]) -> None:
    """Ask for several texts at once, of a number that is none of the network's sizes."""
    predictor = NetworkPredictor(model)
    text, states = predictor.first()
    count = beside([text[None], *(state[:, None] for state in states)])
    rows = predictor.after([predictor.first()] * count, [1] * count)
    predictor.logs(np.zeros_like(text), rows)

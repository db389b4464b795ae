"""An n-gram as a run stores it: the numbers it was fitted on, from which it is counted anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from longshort.metrics.ngram import NGram

MARK = 0
"""Number between and around texts; their own numbers begin with 1."""


@dataclass(frozen=True)
class StoredNGram:
    """Texts as one stream of numbers, with `MARK` between and around them.

    order: the longest n-gram. size: how many numbers there are, with the mark.
    """

    order: int
    size: int
    stream: tuple[int, ...]

    @staticmethod
    def fit(texts: Iterable[Iterable[int]], size: int, order: int) -> StoredNGram:
        """Fit on texts as numbers."""
        return StoredNGram(order, size, (MARK, *(n for each in texts for n in (*each, MARK))))

    @cached_property
    def model(self) -> NGram:
        """The n-grams, counted when they are asked for."""
        return NGram(np.array(self.stream, dtype=np.int64), self.size, self.order)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"order": self.order, "size": self.size, "stream": list(self.stream)}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> StoredNGram:
        """Return what `to_dict` wrote."""
        stream = tuple(map(int, stored["stream"]))
        return StoredNGram(int(stored["order"]), int(stored["size"]), stream)

"""The n-gram of signs that joins the search, and its weight by the validation split."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.ctc import Spelling, best_path
from longshort.decoding.label_scorer import END, Characters, LabelScorer
from longshort.decoding.prefix_beam import PrefixBeam, prefix_beam
from longshort.metrics.ngram import NGram
from longshort.runs.task import Say, Track

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

WEIGHT, BONUS = "gram_weight", "gram_bonus"
"""Names of what a run keeps: the weight of the n-gram, and the bonus of each sign."""
_WEIGHTS, _BONUSES = (0.25, 0.5, 0.75, 1.0), (0.0, 0.75, 1.5)
"""Values among which the validation split chooses."""


@dataclass(frozen=True)
class SignGrams:
    """What the n-gram of the training texts was fitted on.

    stream: numbers of the signs of all texts, with the mark `END` between and around them. size:
    how many numbers there are.
    """

    order: int
    size: int
    stream: tuple[int, ...]

    @staticmethod
    def fit(texts: Sequence[Ints], size: int, order: int) -> SignGrams:
        """Fit on texts as numbers of signs."""
        stream = (END, *(n for each in texts for n in (*each.tolist(), END)))
        return SignGrams(order, size, stream)

    @cached_property
    def model(self) -> NGram:
        """The n-grams, counted anew from the stream."""
        return NGram(np.array(self.stream, dtype=np.int64), self.size, self.order)

    def scorer(self, weight: float, bonus: float) -> LabelScorer:
        """Return what the search adds to a sign: weight · log P + bonus."""
        return Characters(self.model, weight=weight, bonus=bonus)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"order": self.order, "size": self.size, "stream": list(self.stream)}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> SignGrams:
        """Return what `to_dict` wrote."""
        stream = tuple(map(int, stored["stream"]))
        return SignGrams(int(stored["order"]), int(stored["size"]), stream)


def spelled(
    logs: Sequence[Floats], width: int, scorer: LabelScorer | None = None
) -> list[Spelling]:
    """Return what the frames [T, K] of each line spell; a width of 1 takes the best path."""
    if width == 1 and scorer is None:
        return [best_path(each) for each in logs]
    return [prefix_beam(each, PrefixBeam(width=width), scorer)[0] for each in logs]


def chosen_weight(
    grams: SignGrams,
    logs: Sequence[Floats],
    width: int,
    errors: Callable[[list[tuple[int, ...]]], float],
    say: Say,
    track: Track,
) -> dict[str, NDArray[np.float64]]:
    """Choose weight and bonus on validation lines; returns what the run keeps.

    logs: frames of these lines. errors: CER of their labels. A weight of 0, the search alone, is
    among the choices.
    """
    alone = errors([each.labels for each in spelled(logs, width)])
    found = {(0.0, 0.0): alone}
    pairs = list(itertools.product(_WEIGHTS, _BONUSES))
    for number, pair in enumerate(pairs):
        track("choosing the weight of the n-gram", number, len(pairs))
        found[pair] = errors([each.labels for each in spelled(logs, width, grams.scorer(*pair))])
    weight, bonus = min(found, key=lambda pair: (found[pair], pair))
    say(
        f"n-gram of order {grams.order}: weight {weight:g}, bonus {bonus:g}, by the CER of "
        f"{len(logs):,} validation lines ({found[weight, bonus]:.2f}; {alone:.2f} without it)"
    )
    return {WEIGHT: np.array(weight), BONUS: np.array(bonus)}

"""The n-gram of signs that joins the search, and what the validation split says of both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.ctc import Spelling, best_path
from longshort.decoding.label_scorer import Characters, LabelScorer
from longshort.decoding.prefix_beam import PrefixBeam, prefix_beam
from longshort.metrics.stored_ngram import StoredNGram
from longshort.runs.task import Say, Track

Floats = NDArray[np.floating[Any]]

SEARCH, WEIGHT, BONUS = "search", "gram_weight", "gram_bonus"
"""Names of what a run keeps: whether it searches, the n-gram's weight, and the bonus of a sign."""
_WEIGHTS, _BONUSES = (0.25, 0.5, 0.75, 1.0), (0.0, 0.75, 1.5)
"""Values among which the validation split chooses."""


def gram_scorer(grams: StoredNGram, weight: float, bonus: float) -> LabelScorer:
    """Return what the search adds to a sign: weight · log P + bonus."""
    return Characters(grams.model, weight=weight, bonus=bonus)


def spelled(
    logs: Sequence[Floats], width: int, scorer: LabelScorer | None = None
) -> list[Spelling]:
    """Return what the frames [T, K] of each line spell; a width of 1 takes the best path."""
    if width == 1 and scorer is None:
        return [best_path(each) for each in logs]
    return [prefix_beam(each, PrefixBeam(width=width), scorer)[0] for each in logs]


def chosen_search(
    grams: StoredNGram | None,
    logs: Sequence[Floats],
    width: int,
    errors: Callable[[list[tuple[int, ...]]], float],
    say: Say,
    track: Track,
) -> dict[str, NDArray[np.float64]]:
    """Choose how to search on validation lines; returns what the run keeps.

    logs: frames of these lines. errors: CER of their labels. Among the choices are the best path,
    since a search for the most probable text finds too many signs where a network is hardly
    trained, and the search without an n-gram.
    """
    path = errors([each.labels for each in spelled(logs, 1)])
    found: dict[tuple[float, float, float], float] = {(0.0, 0.0, 0.0): path}
    pairs = [(0.0, 0.0), *(itertools.product(_WEIGHTS, _BONUSES) if grams else ())]
    for number, (weight, bonus) in enumerate(pairs):
        track("choosing how to search", number, len(pairs))
        scorer = gram_scorer(grams, weight, bonus) if grams and weight else None
        labels = [each.labels for each in spelled(logs, width, scorer)]
        found[1.0, weight, bonus] = errors(labels)
    search, weight, bonus = min(found, key=lambda choice: (found[choice], choice))
    order = f" of order {grams.order}" if grams else ""
    said = f"n-gram{order} with weight {weight:g} and bonus {bonus:g}" if weight else "no n-gram"
    said = f"a search of width {width} with {said}" if search else "the best path"
    say(
        f"reading: {said}, by the CER of {len(logs):,} validation lines "
        f"({found[search, weight, bonus]:.2f}; {path:.2f} by the best path)"
    )
    return {SEARCH: np.array(search), WEIGHT: np.array(weight), BONUS: np.array(bonus)}

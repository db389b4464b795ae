"""Labels from the frames of a CTC network, by the settings of a run and an n-gram of its texts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.ctc import Spelling, best_path
from longshort.decoding.label_scorer import END, Characters, Context
from longshort.decoding.prefix_beam import PrefixBeam, prefix_beam
from longshort.metrics.ngram import NGram
from longshort.runs.task import Say, Track

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

WEIGHTS, BONUSES = (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 0.75, 1.5)
"""Weights of the n-gram, and bonuses of each label, among which the validation split chooses."""
_STREAM, _WEIGHT, _BONUS = "gram_stream", "gram_weight", "gram_bonus"
"""Names of what is kept among the arrays of a run."""


class Grams(NamedTuple):
    """How an n-gram of labels joins the search: its order, its weight, and the bonus of a label."""

    stream: Ints
    order: int
    weight: float
    bonus: float


class GramLogs:
    """An n-gram of labels as the search asks for it; the mark `END` is before and after texts."""

    def __init__(self, grams: NGram) -> None:
        self._grams = grams

    @property
    def order(self) -> int:
        """It looks at `order` - 1 labels."""
        return self._grams.order

    def logs(self, before: Context) -> Sequence[float]:
        """Return the log probability of every label, and of the end, after these."""
        found = self._grams.distribution(np.array(before, dtype=np.int64))
        logs: list[float] = np.log(found).tolist()
        return logs


def stream_of(labels: Sequence[Ints]) -> Ints:
    """Return texts as one stream, with the mark between them and at both ends."""
    parts: list[Ints] = [np.array([END])]
    for each in labels:
        parts += [each, np.array([END])]
    return np.concatenate(parts).astype(np.int64)


def kept_grams(kept: Any, order: int) -> Grams | None:
    """Return the n-gram that a run keeps; None where it has none, or leaves it out."""
    if _STREAM not in kept or not order or not float(kept[_WEIGHT]):
        return None
    stream = np.asarray(kept[_STREAM]).astype(np.int64)
    return Grams(stream, order, float(kept[_WEIGHT]), float(kept[_BONUS]))


def spelled(logs: Sequence[Floats], width: int, grams: Grams | None = None) -> list[Spelling]:
    """Return what each line's frames [T, K] spell; a width of 1 takes the most probable path."""
    if width == 1 and grams is None:
        return [best_path(each) for each in logs]
    scorer, options = None, PrefixBeam(width=width)
    if grams is not None:
        size = logs[0].shape[1]
        model = _fitted(grams.stream.tobytes(), size, grams.order)
        scorer = Characters(model, weight=grams.weight, bonus=grams.bonus)
    return [prefix_beam(each, options, scorer)[0] for each in logs]


def chosen_grams(
    logs: Sequence[Floats],
    stream: Ints,
    order: int,
    width: int,
    errors: Callable[[list[tuple[int, ...]]], float],
    say: Say,
    track: Track,
    samples: str,
) -> dict[str, NDArray[np.float64]]:
    """Choose weight and bonus of the n-gram on validation lines; returns what the run keeps.

    logs: frames of validation lines. errors: the deciding metric of labels, lower is better.
    samples: these lines in words. A weight of 0 is among the choices, so that an n-gram that does
    not help is left out.
    """
    pairs = [(w, b) for w, b in itertools.product(WEIGHTS, BONUSES) if w or not b]
    found: dict[tuple[float, float], float] = {}
    for number, (weight, bonus) in enumerate(pairs):
        track("choosing the weight of the n-gram", number, len(pairs))
        grams = Grams(stream, order, weight, bonus) if weight else None
        found[weight, bonus] = errors([each.labels for each in spelled(logs, width, grams)])
    weight, bonus = min(found, key=lambda pair: (found[pair], pair))
    say(
        f"n-gram of order {order}: weight {weight:g}, bonus {bonus:g}, by {found[weight, bonus]:.2f}"
        f" against {found[0.0, 0.0]:.2f} without it, on {samples}"
    )
    values = {
        _STREAM: stream.astype(np.float64),
        _WEIGHT: np.array(weight),
        _BONUS: np.array(bonus),
    }
    return {name: np.asarray(each, dtype=np.float64) for name, each in values.items()}


@lru_cache(maxsize=4)
def _fitted(stream: bytes, size: int, order: int) -> GramLogs:
    """Return the n-gram of a stream; fitting takes a second, and all lines need the same one."""
    return GramLogs(NGram(np.frombuffer(stream, dtype=np.int64), size, order))

"""Whether attributions are true to the model: deletion against random, agreement of two methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.explanation.asking import answers
from longshort.explanation.attribution import Attribution
from longshort.explanation.baselines import replacements
from longshort.metrics.ranks import spearman
from longshort.runs.explaining import Floats, Question

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_DRAWS, _RANDOM = 10, 10


@dataclass(frozen=True)
class Deletion:
    """How the answer moves while cells are replaced by those of other rows, top cells first.

    curve, random, distance [S]: mean move at each of `SHARES`, in the order of the attribution, in
    random order, and in order of the distance from the mean. scale: the unit of `gain`.
    """

    curve: Floats
    random: Floats
    distance: Floats
    scale: float

    @property
    def gain(self) -> float:
        """Area between the curve and the random one, in units of what is explained."""
        return _area(self.curve - self.random) / self.scale

    @property
    def gain_of_distance(self) -> float:
        """The same area for the order by distance from the mean, which needs no model."""
        return _area(self.distance - self.random) / self.scale


def deletion(question: Question, attribution: Attribution, seed: int) -> Deletion:
    """Delete the cells that hold the answer up most, at first 1 % and in the end 50 % of them.

    A move counts in the direction from the answer to its reference; replaced cells take the values
    of drawn training rows, ten times.
    """
    cells = np.flatnonzero(question.exists)
    sign = 1.0 if attribution.explained >= 0 else -1.0
    order = cells[np.argsort(-sign * attribution.values.reshape(-1)[cells], kind="stable")]
    apart = np.abs(question.inputs - question.mean).reshape(-1)[cells]
    trivial = cells[np.argsort(-apart, kind="stable")]
    draw = np.random.default_rng(seed)
    orders = [order, trivial, *(draw.permutation(cells) for _ in range(_RANDOM))]
    rows = replacements(question, seed, _DRAWS)
    moves = np.stack([sign * _moves(question, attribution.score, rows, each) for each in orders])
    scale = max(abs(attribution.explained), 1e-12)
    return Deletion(moves[0], moves[2:].mean(0), moves[1], scale)


def _moves(question: Question, score: float, rows: Floats, order: NDArray[np.int64]) -> Floats:
    """Return by how much the answer falls at each share, [S], the mean over the rows."""
    whole, others = question.inputs.reshape(-1), rows.reshape(len(rows), -1)
    found = np.tile(whole, (len(SHARES), len(rows), 1))
    for place, share in enumerate(SHARES):
        gone = order[: max(1, round(share * len(order)))]
        found[place][:, gone] = others[:, gone]
    after = answers(question, found.reshape(-1, *question.inputs.shape))
    moves: Floats = score - after.reshape(len(SHARES), len(rows)).mean(1)
    return moves


def _area(curve: Floats) -> float:
    return float(np.trapezoid(np.concatenate([[0.0], curve]), (0.0, *SHARES)))


def agreement(one: Attribution, other: Attribution, question: Question) -> float:
    """Return Spearman's rank correlation of two attributions over the cells that exist."""
    first, second = (each.values[question.exists] for each in (one, other))
    return spearman(first, second)

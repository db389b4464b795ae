"""Finished hypotheses of a beam search, ranked."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from longshort.decoding.checks import numbers
from longshort.decoding.options import Beam
from longshort.decoding.penalties import coverage_penalty, length_penalty
from longshort.decoding.stepping import Floats, Rows


@dataclass(frozen=True)
class Entry:
    """A finished hypothesis; `depth` and `row` are its place in the trail."""

    score: float
    log_prob: float
    depth: int
    row: int
    is_cut: bool


class Finished:
    """Finished hypotheses of each of `batch` sentences, best first; of equal ones the earlier."""

    def __init__(self, batch: int, options: Beam, source_lengths: ArrayLike | None) -> None:
        self._entries: list[list[Entry]] = [[] for _ in range(batch)]
        self._options = options
        self._sources: Rows | None = None
        if source_lengths is not None:
            self._sources = numbers("source_lengths", source_lengths, batch, 0)

    def positions(self, width: int) -> Rows:
        """Return the number of source positions of each sentence, [batch]; `width` if unknown."""
        if self._sources is None:
            return np.full(len(self._entries), width)
        return self._sources

    def scores(self, sentences: Rows, totals: Floats, steps: int, covered: Floats | None) -> Floats:
        """Return the scores [m] of hypotheses, by the penalties of the options.

        sentences: the sentence of each, [m]. totals: log probabilities, [m]. steps: number of
        tokens that these cover. covered: summed attention [m, S], or None for no coverage penalty.
        """
        scores = np.asarray(totals / length_penalty(steps, self._options.length_penalty))
        if covered is None:
            return scores
        positions = self.positions(covered.shape[1])[sentences]
        return scores + coverage_penalty(covered, positions, self._options.coverage_penalty)

    def add(
        self, sentences: Rows, scores: Floats, totals: Floats, depth: int, rows: Rows, is_cut: bool
    ) -> None:
        """Rank m hypotheses of one depth among those of their sentences."""
        columns = (each.tolist() for each in (sentences, scores, totals, rows))
        for sentence, score, total, row in zip(*columns, strict=True):
            entry = Entry(score, total, depth, row, is_cut)
            insort(self._entries[sentence], entry, key=lambda other: -other.score)

    def to_beat(self, sentences: Rows) -> Floats:
        """Return the score that a further hypothesis of each sentence has to exceed, [b].

        It is infinite for a sentence with enough finished hypotheses.
        """
        return np.array([self._to_beat(self._entries[each]) for each in sentences.tolist()])

    def _to_beat(self, entries: list[Entry]) -> float:
        if len(entries) >= self._options.width:
            return np.inf
        n_best = self._options.n_best
        return entries[n_best - 1].score if len(entries) >= n_best else -np.inf

    def best(self, sentence: int) -> list[Entry]:
        """Return the `n_best` hypotheses of a sentence, or fewer if fewer have finished."""
        return self._entries[sentence][: self._options.n_best]

"""Hypotheses that left the beam, ranked."""

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
    """A finished hypothesis; depth and row are its place in the trail."""

    score: float
    log_prob: float
    depth: int
    row: int
    is_cut: bool


class Finished:
    """Of each of `batch` sentences what has finished, best first, and of equals the earlier one."""

    def __init__(self, batch: int, options: Beam, source_lengths: ArrayLike | None) -> None:
        self._entries: list[list[Entry]] = [[] for _ in range(batch)]
        self._options = options
        self._sources: Rows | None = None
        if source_lengths is not None:
            self._sources = numbers("source_lengths", source_lengths, batch, 0)

    def positions(self, width: int) -> Rows:
        """Source positions of each sentence, [batch], where the longest has `width`."""
        if self._sources is None:
            return np.full(len(self._entries), width)
        return self._sources

    def scores(self, sentences: Rows, totals: Floats, steps: int, covered: Floats | None) -> Floats:
        """Scores of m hypotheses of so many steps, [m], with attention covered [m, S]."""
        scores = np.asarray(totals / length_penalty(steps, self._options.length_penalty))
        if covered is None:
            return scores
        positions = self.positions(covered.shape[1])[sentences]
        return scores + coverage_penalty(covered, positions, self._options.coverage_penalty)

    def add(
        self, sentences: Rows, scores: Floats, totals: Floats, depth: int, rows: Rows, is_cut: bool
    ) -> None:
        """Rank m hypotheses of one depth."""
        columns = (each.tolist() for each in (sentences, scores, totals, rows))
        for sentence, score, total, row in zip(*columns, strict=True):
            entry = Entry(score, total, depth, row, is_cut)
            insort(self._entries[sentence], entry, key=lambda other: -other.score)

    def to_beat(self, sentences: Rows) -> Floats:
        """The score that a hypothesis has to exceed to count, [b]; infinite with enough of them."""
        return np.array([self._to_beat(self._entries[each]) for each in sentences.tolist()])

    def _to_beat(self, entries: list[Entry]) -> float:
        if len(entries) >= self._options.width:
            return np.inf
        n_best = self._options.n_best
        return entries[n_best - 1].score if len(entries) >= n_best else -np.inf

    def best(self, sentence: int) -> list[Entry]:
        """The n best of a sentence."""
        return self._entries[sentence][: self._options.n_best]

"""Decoding of one hypothesis for each sentence, shared by greedy decoding and sampling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.decoding.checks import numbers, whole
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.limits import check_marks, forbid, forbid_repeats
from longshort.decoding.options import Limits
from longshort.decoding.stepping import Floats, Rows, Stepper, Tokens, stepped, taken
from longshort.errors import ArgumentError

Flags = NDArray[np.bool_]
Pick = Callable[[Floats, Rows, int], Tokens]
"""Function of log probabilities [n, V], sentences [n] and step that returns the next tokens [n]."""


class Single:
    """One hypothesis for each of `batch` sentences.

    sentences: numbers of the unfinished sentences, [n]; each has a row of the state. tokens: token
    numbers [batch, T], of which the first `lengths` [batch] are written.
    """

    def __init__(self, state: Stepper, batch: int, begin: ArrayLike, limits: Limits) -> None:
        whole("batch", batch, 0)
        self.state, self.limits = state, limits
        self.longest = limits.longest(batch)
        self.begin = numbers("begin", begin, batch, 0)
        self.sentences = np.arange(batch)
        self.tokens = np.zeros((batch, int(self.longest.max(initial=0))), np.int64)
        self.lengths = np.zeros(batch, np.int64)
        self.totals = np.zeros(batch)
        self.ended = np.zeros(batch, np.bool_)
        self.attention: list[Floats] = []

    def write(self, pick: Pick, end: int | None) -> None:
        """Pick tokens until every sentence has ended or reached its greatest length."""
        tokens = self.begin
        for step in range(self.tokens.shape[1]):
            logs, attention, self.state = stepped(self.state, tokens)
            self._attend(attention)
            peaks = self._forbid(logs, step, end)
            tokens = pick(logs, self.sentences, step)
            tokens = self._record(tokens, logs, peaks > -np.inf, step, end)
            if not tokens.size:
                return

    def _attend(self, attention: Floats | None) -> None:
        if attention is not None:
            full = np.zeros((len(self.tokens), attention.shape[1]), attention.dtype)
            full[self.sentences] = attention
            self.attention.append(full)

    def _forbid(self, logs: Floats, step: int, end: int | None) -> Floats:
        """Set tokens that may not follow to -inf, and return the largest value of each row.

        Raises `ArgumentError` if a row holds NaN.
        """
        if not step:
            check_marks(self.begin, end, self.limits, logs.shape[1])
        forbid(logs, step, end, self.limits)
        if self.limits.no_repeat:
            forbid_repeats(logs, self.tokens[self.sentences, :step], self.limits.no_repeat)
        peaks: Floats = logs.max(1)
        if np.isnan(peaks).any():
            row = int(np.isnan(peaks).argmax())
            raise ArgumentError(f"log probabilities: numbers are expected, got NaN in row {row}")
        return peaks

    def _record(
        self, tokens: Tokens, logs: Floats, possible: Flags, step: int, end: int | None
    ) -> Tokens:
        """Append tokens [n] where `possible`, and return those of the sentences that go on."""
        ended = possible & (tokens == (-1 if end is None else end))
        grows = possible & ~ended
        gained = logs[np.arange(len(tokens)), tokens]
        self.totals[self.sentences[possible]] += gained[possible]
        self.ended[self.sentences] = ended
        self.tokens[self.sentences[grows], step] = tokens[grows]
        self.lengths[self.sentences[grows]] = step + 1
        stay = grows & (self.longest[self.sentences] > step + 1)
        if stay.any():
            self.state = taken(self.state, np.flatnonzero(stay), len(tokens))
        self.sentences = self.sentences[stay]
        return np.asarray(tokens[stay])

    def result(self, source_lengths: ArrayLike | None) -> list[Hypothesis]:
        """Return the hypotheses, scored by their log probabilities.

        source_lengths: number of source positions of each sentence, to which attention is cut.
        """
        batch = len(self.tokens)
        sources: list[int | None] = [None] * batch
        if source_lengths is not None:
            sources = list(numbers("source_lengths", source_lengths, batch, 0).tolist())
        return [self._hypothesis(each, sources[each]) for each in range(batch)]

    def _hypothesis(self, sentence: int, source: int | None) -> Hypothesis:
        length, total = int(self.lengths[sentence]), float(self.totals[sentence])
        attention = None
        if self.attention:
            attention = np.stack([each[sentence, :source] for each in self.attention])[:length]
        tokens = tuple(self.tokens[sentence, :length].tolist())
        return Hypothesis(tokens, total, total, attention, not self.ended[sentence])

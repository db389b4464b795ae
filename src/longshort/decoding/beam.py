"""Beam search: the best sequences found while a few are kept at every length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.decoding.checks import numbers, whole
from longshort.decoding.finished import Entry, Finished
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.limits import check_marks, forbid, forbid_repeats
from longshort.decoding.options import Beam
from longshort.decoding.penalties import bound
from longshort.decoding.stepping import Floats, Rows, Stepper, Tokens, stepped, taken
from longshort.decoding.top import top
from longshort.decoding.trail import Trail
from longshort.errors import ArgumentError


def beam_search(
    state: Stepper,
    *,
    batch: int,
    begin: ArrayLike,
    end: int | None,
    options: Beam | None = None,
    source_lengths: ArrayLike | None = None,
) -> list[list[Hypothesis]]:
    """Return the `n_best` hypotheses of each of `batch` sentences, best first.

    state: the model, with a row for each sentence. begin: the first token that the model reads, or
    one for each sentence. end: the end mark, or None if there is none. source_lengths: number of
    source positions of each sentence that are not padding, [batch]; all if not given. Hypotheses of
    equal scores are ordered by the numbers of their tokens, never by chance.

    An end mark among the `width` best continuations finishes a hypothesis, and the next best one
    takes its place in the beam. A sentence is done once `width` hypotheses have finished, or no
    unfinished one can still become one of the `n_best`; then its rows leave the batch.
    """
    whole("batch", batch, 0)
    search = _Search(state, batch, begin, end, options or Beam(), source_lengths)
    while search.sentences.size:
        search.advance()
    return [search.result(sentence) for sentence in range(batch)]


@dataclass(frozen=True)
class _Places:
    """Candidate hypotheses of b sentences, c each, best first; all arrays are [b, c].

    totals: log probabilities, -inf where there is no hypothesis. parents: the row of the step that
    each continues. tokens: the token that each appends.
    """

    totals: Floats
    parents: Rows
    tokens: Tokens

    def where(self, keep: NDArray[np.bool_], count: int) -> _Places:
        """Return the first `count` hypotheses of each sentence for which `keep` [b, c] is true."""
        order = np.argsort(~keep, axis=1, kind="stable")[:, :count]
        totals, parents, tokens = (
            np.take_along_axis(each, order, 1)
            for each in (np.where(keep, self.totals, -np.inf), self.parents, self.tokens)
        )
        return _Places(totals, parents, tokens)


def _continuations(totals: Floats, logs: Floats, width: int) -> _Places:
    """Return the 2 * width best continuations of each sentence's hypotheses by one token.

    totals: log probabilities of the hypotheses, [b, w]. logs: log probabilities of the next tokens,
    [b * w, V]. The vocabulary has one end mark, so the width + 1 best tokens of a row include its
    `width` best others.
    """
    sentences, beams = totals.shape
    values, tokens = top(logs, min(width + 1, logs.shape[1]))
    each = values.shape[1]
    sums = (totals[:, :, None] + values.reshape(sentences, beams, each)).reshape(sentences, -1)
    order = np.argsort(-sums, axis=1, kind="stable")[:, : 2 * width]
    return _Places(
        np.take_along_axis(sums, order, 1),
        order // each + beams * np.arange(sentences)[:, None],
        np.take_along_axis(tokens.reshape(sentences, -1), order, 1),
    )


class _Search:
    """Unfinished hypotheses of b sentences, w each; each has its own row of the state.

    sentences: numbers of the sentences, [b]. length: number of tokens so far. totals, tokens, rows:
    log probabilities, last tokens and rows in the trail, [b, w]. covered: attention summed so far,
    [b * w, S], or None if it is not needed.
    """

    def __init__(
        self,
        state: Stepper,
        batch: int,
        begin: ArrayLike,
        end: int | None,
        options: Beam,
        source_lengths: ArrayLike | None,
    ) -> None:
        self.state, self.end, self.options = state, end, options
        self.longest = options.longest(batch)
        self.finished = Finished(batch, options, source_lengths)
        self.sentences = np.arange(batch)
        self.tokens = numbers("begin", begin, batch, 0)[:, None]
        self.totals: Floats = np.zeros((batch, 1))
        self.rows = np.arange(batch)[:, None]
        self.length = 0
        self.covered: Floats | None = None
        self.trail = Trail()

    def advance(self) -> None:
        """Extend every unfinished hypothesis by one token."""
        logs, attention, self.state = stepped(self.state, self.tokens.ravel())
        self._forbid(logs)
        found = _continuations(self.totals, logs, self.options.width)
        self.covered = self._cover(attention)
        self._finish_stuck(logs)
        live = self._finish_ended(found)
        self._extend(live, attention)
        self._finish_longest()
        self._leave(live.parents, len(logs))

    def _forbid(self, logs: Floats) -> None:
        if not self.length:
            check_marks(self.tokens.ravel(), self.end, self.options, logs.shape[1])
        forbid(logs, self.length, self.end, self.options)
        if self.options.no_repeat:
            written = self.trail.tokens(self.length, self.rows.ravel())
            forbid_repeats(logs, written, self.options.no_repeat)

    def _cover(self, attention: Floats | None) -> Floats | None:
        """Return the attention so far with that of this step, [b * w, S], or None if not needed.

        Raises `ArgumentError` if a coverage penalty is set and the model has no attention.
        """
        if not self.options.coverage_penalty:
            return None
        if attention is None:
            raise ArgumentError(
                "coverage_penalty: 0 is expected of a model without attention, "
                f"got {self.options.coverage_penalty!r}"
            )
        return attention.astype(np.float64) + (0.0 if self.covered is None else self.covered)

    def _finish_stuck(self, logs: Floats) -> None:
        """Cut hypotheses that no token may follow."""
        stuck = (logs.max(1) == -np.inf) & (self.totals.ravel() > -np.inf)
        rows = np.flatnonzero(stuck)
        self._finish(rows, self.totals.ravel()[rows], self.length, is_cut=True)

    def _finish_ended(self, found: _Places) -> _Places:
        """Finish hypotheses with an end mark among the best, and return the others for the beam."""
        ends = found.tokens == (-1 if self.end is None else self.end)
        ranks = np.arange(ends.shape[1])
        ended = ends & (ranks < self.options.width) & (found.totals > -np.inf)
        self._finish(found.parents[ended], found.totals[ended], self.length + 1)
        return found.where(~ends, self.options.width)

    def _extend(self, live: _Places, attention: Floats | None) -> None:
        """Make the given hypotheses the unfinished ones."""
        parents = live.parents.ravel()
        attended = None if attention is None else attention[parents]
        self.trail.add(self.rows.ravel()[parents], live.tokens.ravel(), attended)
        self.totals, self.tokens = live.totals, live.tokens
        self.rows = np.arange(parents.size).reshape(live.parents.shape)
        self.covered = None if self.covered is None else self.covered[parents]
        self.length += 1

    def _finish_longest(self) -> None:
        """Cut hypotheses that have reached the greatest length."""
        at_end = (self.longest[self.sentences] == self.length)[:, None]
        rows = np.flatnonzero(at_end & (self.totals > -np.inf))
        self._finish(rows, self.totals.ravel()[rows], self.length, is_cut=True)
        self.totals = np.where(at_end, -np.inf, self.totals)

    def _finish(self, rows: Rows, totals: Floats, steps: int, *, is_cut: bool = False) -> None:
        """Rank the hypotheses of these rows [m] among the finished ones.

        totals: their log probabilities, [m]. steps: number of tokens that these cover.
        """
        if rows.size:
            sentences = self.sentences[rows // self.totals.shape[1]]
            covered = None if self.covered is None else self.covered[rows]
            scores = self.finished.scores(sentences, totals, steps, covered)
            places = self.rows.ravel()[rows]
            self.finished.add(sentences, scores, totals, self.length, places, is_cut)

    def _leave(self, parents: Rows, count: int) -> None:
        """Drop sentences in which no unfinished hypothesis can still become one of the best.

        parents: for each hypothesis left, its row among the `count` rows of the step before.
        """
        best, longest = self.totals.max(1), self.longest[self.sentences]
        reachable = bound(best, self.length, longest, self.options.length_penalty)
        stay = (best > -np.inf) & (reachable > self.finished.to_beat(self.sentences))
        if self.covered is not None:
            self.covered = self.covered[np.repeat(stay, self.totals.shape[1])]
        self.sentences, self.rows = self.sentences[stay], self.rows[stay]
        self.totals, self.tokens = self.totals[stay], self.tokens[stay]
        if stay.any():
            self.state = taken(self.state, parents[stay].ravel(), count)

    def result(self, sentence: int) -> list[Hypothesis]:
        """Return the `n_best` hypotheses of a sentence that is done."""
        return [self._hypothesis(sentence, each) for each in self.finished.best(sentence)]

    def _hypothesis(self, sentence: int, found: Entry) -> Hypothesis:
        tokens = self.trail.tokens(found.depth, np.array([found.row]))[0]
        attention = self.trail.attention(found.depth, found.row)
        if attention is not None:
            attention = attention[:, : self.finished.positions(attention.shape[1])[sentence]]
        return Hypothesis(
            tuple(tokens.tolist()), found.log_prob, found.score, attention, found.is_cut
        )

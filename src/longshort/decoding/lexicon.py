"""Decoding into words: a lexicon as a tree of labels, and a language model of its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from longshort.decoding.checks import finite
from longshort.decoding.label_scorer import END, Context, NextToken, after

_ROOT = 0
_NEVER = float("-inf")


class Lexicon:
    """Words as sequences of labels, in a tree whose branches are the labels.

    Words have the numbers 1, 2, … of their order; of equal spellings the first one counts.
    """

    def __init__(self, words: Sequence[Sequence[int]]) -> None:
        self._branches: list[dict[int, int]] = [{}]
        self._words: dict[int, int] = {}
        for number, word in enumerate(words, 1):
            place = _ROOT
            for label in word:
                place = self._grown(place, label)
            if place != _ROOT:
                self._words.setdefault(place, number)

    def _grown(self, place: int, label: int) -> int:
        branches = self._branches[place]
        if label not in branches:
            branches[label] = len(self._branches)
            self._branches.append({})
        return branches[label]

    def follow(self, place: int, label: int) -> int | None:
        """Return the place after a label, None where no word goes on so; 0 is the root."""
        return self._branches[place].get(label)

    def word(self, place: int) -> int | None:
        """Return the number of the word that ends at this place, None if none does."""
        return self._words.get(place)


class WordState(NamedTuple):
    """A place in the lexicon's tree, the words before, and whether a separator came last."""

    place: int
    before: Context
    is_separated: bool


class Words:
    """Allows words of a lexicon alone, with one separator between them, and scores each at its end.

    separator: label between words. model: of word numbers; None: all words are alike. weight:
    alpha, by which its log probabilities are multiplied. bonus: beta, added for each word.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        separator: int | None,
        model: NextToken | None = None,
        *,
        weight: float = 0.0,
        bonus: float = 0.0,
    ) -> None:
        finite("weight", weight, 0.0)
        finite("bonus", bonus)
        self.lexicon, self.separator, self.model = lexicon, separator, model
        self.weight, self.bonus = weight, bonus
        self._known: dict[Context, Sequence[float]] = {}

    def start(self) -> WordState:
        """Return the state before the first label."""
        return WordState(_ROOT, self._after((), END), is_separated=False)

    def advance(self, state: WordState, label: int) -> tuple[float, WordState]:
        """Return what the label adds: at a separator what the word says, else 0, or -inf."""
        if label != self.separator:
            place = self.lexicon.follow(state.place, label)
            if place is None:
                return _NEVER, state
            return 0.0, WordState(place, state.before, is_separated=False)
        word = self.lexicon.word(state.place)
        if word is None:
            return _NEVER, state
        before = self._after(state.before, word)
        return self._gain(state.before, word), WordState(_ROOT, before, is_separated=True)

    def finish(self, state: WordState) -> float:
        """Return what the last word and the end add; no spelling ends within a word."""
        before, gain = state.before, 0.0
        if state.place == _ROOT:
            if state.is_separated:
                return _NEVER
        else:
            word = self.lexicon.word(state.place)
            if word is None:
                return _NEVER
            gain, before = self._gain(before, word), self._after(before, word)
        return gain + self.weight * self._log(before, END)

    def _gain(self, before: Context, word: int) -> float:
        return self.weight * self._log(before, word) + self.bonus

    def _after(self, before: Context, word: int) -> Context:
        return after(before, word, self.model.order) if self.model else ()

    def _log(self, before: Context, word: int) -> float:
        if self.model is None:
            return 0.0
        if before not in self._known:
            self._known[before] = self.model.logs(before)
        return self._known[before][word]

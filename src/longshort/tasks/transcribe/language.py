"""The language model that decoding asks: Kneser-Ney n-grams of characters or of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from longshort.decoding.label_scorer import END, Characters, LabelScorer
from longshort.decoding.lexicon import Lexicon, Words
from longshort.metrics.ngram import NGram

Kind = Literal["characters", "words"]


@dataclass(frozen=True)
class Language:
    """What a language model was fitted on.

    words: all that may be written, sorted, their numbers begin with 1; empty for characters, whose
    numbers are those of the labels. stream: numbers of the tokens of all texts, with 0 between.
    """

    kind: Kind
    order: int
    size: int
    words: tuple[str, ...]
    stream: tuple[int, ...]

    @staticmethod
    def fit(kind: Kind, order: int, texts: Sequence[str], alphabet: str) -> Language:
        """Fit on texts; what the alphabet lacks is left out: characters, or words with them."""
        if kind == "characters":
            tokens = [[alphabet.index(c) + 1 for c in t if c in alphabet] for t in texts]
            return Language(kind, order, len(alphabet) + 1, (), _marked(tokens))
        known = {w for text in texts for w in text.split() if set(w) <= set(alphabet)}
        words = sorted(known)
        numbers = {word: n for n, word in enumerate(words, 1)}
        tokens = [[numbers[w] for w in text.split() if w in known] for text in texts]
        return Language(kind, order, len(words) + 1, tuple(words), _marked(tokens))

    @cached_property
    def model(self) -> NGram:
        """The n-grams, counted anew from the stream."""
        return NGram(np.array(self.stream, dtype=np.int64), self.size, self.order)

    def scorer(self, alphabet: str, alpha: float, beta: float) -> LabelScorer:
        """Return what a beam search adds: alpha · log P + beta for each character or word."""
        if self.kind == "characters":
            return Characters(self.model, weight=alpha, bonus=beta)
        lexicon = Lexicon([[alphabet.index(c) + 1 for c in word] for word in self.words])
        space = alphabet.index(" ") + 1 if " " in alphabet else None
        return Words(lexicon, space, self.model, weight=alpha, bonus=beta)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        words, stream = list(self.words), list(self.stream)
        plain: dict[str, Any] = {"kind": self.kind, "order": self.order, "size": self.size}
        return plain | {"words": words, "stream": stream}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Language:
        """Return what `to_dict` wrote."""
        kind: Kind = "words" if stored["kind"] == "words" else "characters"
        words, stream = tuple(map(str, stored["words"])), tuple(map(int, stored["stream"]))
        return Language(kind, int(stored["order"]), int(stored["size"]), words, stream)


def _marked(tokens: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return (END, *(number for each in tokens for number in (*each, END)))

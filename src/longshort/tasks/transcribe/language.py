"""The language model that decoding asks: Kneser-Ney n-grams of characters or of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from longshort.decoding.label_scorer import Characters, LabelScorer
from longshort.decoding.lexicon import Lexicon, Words
from longshort.metrics.stored_ngram import StoredNGram

Kind = Literal["characters", "words"]


@dataclass(frozen=True)
class Language:
    """A language model of characters, whose numbers are those of the labels, or of words.

    words: all that may be written, sorted, their numbers begin with 1; empty for characters.
    """

    kind: Kind
    words: tuple[str, ...]
    grams: StoredNGram

    @staticmethod
    def fit(kind: Kind, order: int, texts: Sequence[str], alphabet: str) -> Language:
        """Fit on texts; what the alphabet lacks is left out: characters, or words with them."""
        if kind == "characters":
            tokens = [[alphabet.index(c) + 1 for c in t if c in alphabet] for t in texts]
            return Language(kind, (), StoredNGram.fit(tokens, len(alphabet) + 1, order))
        known = {w for text in texts for w in text.split() if set(w) <= set(alphabet)}
        words = sorted(known)
        numbers = {word: n for n, word in enumerate(words, 1)}
        tokens = [[numbers[w] for w in text.split() if w in known] for text in texts]
        return Language(kind, tuple(words), StoredNGram.fit(tokens, len(words) + 1, order))

    def scorer(self, alphabet: str, alpha: float, beta: float) -> LabelScorer:
        """Return what a beam search adds: alpha · log P + beta for each character or word."""
        if self.kind == "characters":
            return Characters(self.grams.model, weight=alpha, bonus=beta)
        lexicon = Lexicon([[alphabet.index(c) + 1 for c in word] for word in self.words])
        space = alphabet.index(" ") + 1 if " " in alphabet else None
        return Words(lexicon, space, self.grams.model, weight=alpha, bonus=beta)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": self.kind, "words": list(self.words), **self.grams.to_dict()}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Language:
        """Return what `to_dict` wrote."""
        kind: Kind = "words" if stored["kind"] == "words" else "characters"
        words = tuple(map(str, stored["words"]))
        return Language(kind, words, StoredNGram.from_dict(stored))

"""The encoder of a tagger: tags, vocabularies and token counts, from the training split alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.padding import pad_numbers
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.entities import Entity, entities, kind_counts, tags_of
from longshort.tasks.tag.schemes import Scheme, detect
from longshort.tasks.tag.spelling import shape_of, spelled

Ints = NDArray[np.int64]

_END = "\n"
"""Right neighbour of the last token in pairs; no token equals it."""
_PAIR_SEEN = 2
"""Occurrences below which a pair is unknown."""


A = TypeVar("A")
"""NumPy arrays, or tensors."""


@dataclass(frozen=True)
class Batch(Generic[A]):
    """A batch of B sentences as the network takes them; 0 is padding.

    words, shapes, pairs: [T, B], numbers of the tokens, of the ways in which they are written, and
    of tokens with their right neighbour. spellings: [L, N], characters of the batch's N distinct
    tokens; spelled: [N], their lengths; which: [T, B], the column of each token in `spellings`.
    lengths: [B], of the sentences. tags: [T, B], numbers of the tags; None if there are none.
    """

    words: A
    shapes: A
    pairs: A
    which: A
    spellings: A
    spelled: A
    lengths: A
    tags: A | None


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of one that is longer than allowed, as numbers of its tokens.

    sentence: number of the sentence; forms: places of the tokens in `Sentences.forms`.
    """

    sentence: int
    words: list[int]
    shapes: list[int]
    pairs: list[int]
    forms: list[int]


@dataclass(frozen=True)
class Sentences:
    """Sentences in pieces, as numbers.

    targets: numbers of each piece's tags; empty if the sentences have none. forms: the characters
    of each distinct token. count: number of sentences.
    """

    pieces: list[Piece]
    targets: list[list[int]]
    forms: list[list[int]]
    count: int

    @property
    def lengths(self) -> Ints:
        """Number of tokens of each piece, [n]."""
        return np.array([len(piece.words) for piece in self.pieces], dtype=np.int64)

    def batch(self, numbers: Ints) -> Batch[Ints]:
        """Return the pieces with these numbers as padded arrays."""
        chosen = [self.pieces[i] for i in numbers.tolist()]
        words, lengths = pad_numbers([piece.words for piece in chosen])
        shapes, _ = pad_numbers([piece.shapes for piece in chosen])
        pairs, _ = pad_numbers([piece.pairs for piece in chosen])
        forms, _ = pad_numbers([piece.forms for piece in chosen])
        distinct, which = np.unique(forms, return_inverse=True)
        spellings, spelled = pad_numbers([self.forms[i] for i in distinct.tolist()])
        targets = [self.targets[i] for i in numbers.tolist()] if self.targets else []
        tags = pad_numbers(targets)[0] if targets else None
        which = which.reshape(forms.shape)
        return Batch(words, shapes, pairs, which, spellings, spelled, lengths, tags)


@dataclass(frozen=True)
class TagEncoder:
    """The tags and vocabularies of the training split, which turn sentences into numbers."""

    kinds: tuple[str, ...]
    """Types of the entities; in the plain scheme all tags but O."""
    scheme: Scheme
    lowercase: bool
    max_length: int
    vocabulary: Vocabulary
    counts: tuple[int, ...]
    """Number of occurrences of each token of the vocabulary in training."""
    characters: Vocabulary
    pairs: Vocabulary

    @staticmethod
    def fit(train: Tagged, config: TagConfig) -> TagEncoder:
        """Fit the encoder on the training split; raise `DataError` if it has no entity."""
        scheme = detect(train)
        found = entities_of(train, scheme)
        kinds = tuple(sorted(kind_counts(found)))
        if not kinds:
            raise DataError(
                f"{train.name}: all tags of the training split are O; there is nothing to find"
            )
        text = config.text
        words = [_folded(tokens, text.lowercase) for tokens in train.tokens]
        vocabulary = Vocabulary.fit(words, text.min_count, text.max_vocab)
        seen = Counter(word for sentence in words for word in sentence)
        pairs = (_pairs(sentence) for sentence in words) if config.model.pairs else ()
        return TagEncoder(
            kinds,
            scheme,
            text.lowercase,
            text.max_length,
            vocabulary.checked(text.min_count),
            tuple(seen.get(word, 0) for word in vocabulary.tokens),
            Vocabulary.fit(list(token) for tokens in train.tokens for token in set(tokens)),
            Vocabulary.fit(pairs, _PAIR_SEEN),
        )

    @property
    def tags(self) -> list[str]:
        """Tags of the network, by number: BIOES of all types, or in the plain scheme the tags."""
        if self.scheme == "plain":
            return ["O", *self.kinds]
        return ["O", *(f"{position}-{kind}" for kind in self.kinds for position in "BIES")]

    def written(self) -> set[str]:
        """Return every tag that entities can have in the scheme of the training data."""
        spans = ((0, 1), (1, 2), (2, 4), (4, 7))
        return {
            tag
            for kind in self.kinds
            for tag in self.tags_of([(begin, end, kind) for begin, end in spans], 7)
        }

    def entities(self, tags: Sequence[str]) -> list[Entity]:
        """Return the entities that the tags of a sentence mark."""
        return entities(tags, plain=self.scheme == "plain")

    def tags_of(self, found: Sequence[Entity], length: int) -> list[str]:
        """Return the tags of a sentence's entities in the scheme of the training data."""
        return tags_of(found, length, self.scheme)

    def network_tags_of(self, found: Sequence[Entity], length: int) -> list[str]:
        """Return the tags of a sentence's entities in the network's scheme: BIOES or plain."""
        return tags_of(found, length, "plain" if self.scheme == "plain" else "bioes")

    def encode(self, source: Tagged) -> Sentences:
        """Encode sentences; entities of types that are not in the training split become O."""
        forms: dict[str, int] = {}
        pieces, targets = [], []
        for number, tokens in enumerate(source.tokens):
            for begin in range(0, len(tokens), self.max_length):
                cut = tokens[begin : begin + self.max_length]
                pieces.append(self._piece(number, cut, forms))
                if source.tags is not None:
                    tags = source.tags[number][begin : begin + self.max_length]
                    targets.append(self._targets(tags))
        spellings = [self.characters.encode(spelled(form)) for form in forms]
        return Sentences(pieces, targets, spellings, len(source))

    def _piece(self, number: int, tokens: list[str], forms: dict[str, int]) -> Piece:
        words = _folded(tokens, self.lowercase)
        return Piece(
            number,
            self.vocabulary.encode(words),
            [shape_of(token) for token in tokens],
            self.pairs.encode(_pairs(words)),
            [forms.setdefault(token, len(forms)) for token in tokens],
        )

    def _targets(self, tags: Sequence[str]) -> list[int]:
        found = [entity for entity in self.entities(tags) if entity[2] in self.kinds]
        numbers = {tag: i for i, tag in enumerate(self.tags)}
        return [numbers[tag] for tag in self.network_tags_of(found, len(tags))]

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain values for JSON."""
        return {
            "kinds": list(self.kinds),
            "scheme": self.scheme,
            "lowercase": self.lowercase,
            "max_length": self.max_length,
            "vocabulary": self.vocabulary.to_dict(),
            "counts": list(self.counts),
            "characters": self.characters.to_dict(),
            "pairs": self.pairs.to_dict(),
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> TagEncoder:
        """Return the encoder that `to_dict` wrote."""
        return TagEncoder(
            tuple(stored["kinds"]),
            stored["scheme"],
            bool(stored["lowercase"]),
            int(stored["max_length"]),
            Vocabulary.from_dict(stored["vocabulary"]),
            tuple(int(n) for n in stored["counts"]),
            Vocabulary.from_dict(stored["characters"]),
            Vocabulary.from_dict(stored["pairs"]),
        )


def entities_of(source: Tagged, scheme: Scheme) -> list[list[Entity]]:
    """Return the entities of every sentence."""
    assert source.tags is not None
    return [entities(tags, plain=scheme == "plain") for tags in source.tags]


def _folded(tokens: Sequence[str], lowercase: bool) -> list[str]:
    return [token.lower() for token in tokens] if lowercase else list(tokens)


def _pairs(words: Sequence[str]) -> list[str]:
    return [f"{left} {right}" for left, right in pairwise([*words, _END])]

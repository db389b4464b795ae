"""What the training part decides before the network: tags, vocabularies, and how often is often."""

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
from longshort.tasks.tag.entities import Entity, entities, tags_of
from longshort.tasks.tag.schemes import Scheme, detect
from longshort.tasks.tag.spelling import shape_of, spelled

Ints = NDArray[np.int64]

_END = "\n"
"""Behind the last token, for pairs; no token is that."""
_PAIR_SEEN = 2
"""Pairs that occur less often are unknown."""


A = TypeVar("A")
"""Arrays of NumPy, or tensors."""


@dataclass(frozen=True)
class Batch(Generic[A]):
    """Sentences as the network takes them; 0 is padding.

    words, shapes and pairs [T, B] are numbers of tokens, of the ways they are written, and of
    tokens with their right neighbour; which [T, B] are places among the spellings [L, N], the
    characters of the batch's distinct tokens, of which spelled [N] are the lengths; lengths [B] are
    those of the sentences, and tags [T, B] the numbers of their tags, where they have some.
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
    """A sentence, or a part of one that is longer than allowed; forms are places among
    `Sentences.forms`."""

    sentence: int
    words: list[int]
    shapes: list[int]
    pairs: list[int]
    forms: list[int]


@dataclass(frozen=True)
class Sentences:
    """Sentences in pieces, as numbers.

    targets: numbers of the tags, empty where there are none; forms: the characters of each distinct
    token; count: of the sentences.
    """

    pieces: list[Piece]
    targets: list[list[int]]
    forms: list[list[int]]
    count: int

    @property
    def lengths(self) -> Ints:
        """Of the pieces, [n]."""
        return np.array([len(piece.words) for piece in self.pieces], dtype=np.int64)

    def batch(self, numbers: Ints) -> Batch[Ints]:
        """The pieces with these numbers."""
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
    """What the training split decides before the network: tags and vocabularies."""

    kinds: tuple[str, ...]
    """Types of the entities; where the scheme is plain, all tags."""
    scheme: Scheme
    lowercase: bool
    max_length: int
    vocabulary: Vocabulary
    counts: tuple[int, ...]
    """How often each token of the vocabulary occurs in training."""
    characters: Vocabulary
    pairs: Vocabulary

    @staticmethod
    def fit(train: Tagged, config: TagConfig) -> TagEncoder:
        """From the training part alone."""
        scheme = detect(train)
        found = entities_of(train, scheme)
        kinds = tuple(sorted({kind for sentence in found for _, _, kind in sentence}))
        if not kinds:
            raise DataError(
                f"{train.name}: all tags of the training part are O; there is nothing to find"
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
        """What the network tells apart: BIOES of all types, or the tags where they are plain."""
        if self.scheme == "plain":
            return ["O", *self.kinds]
        return ["O", *(f"{position}-{kind}" for kind in self.kinds for position in "BIES")]

    def written(self) -> set[str]:
        """Tags of the training data's own scheme that entities can have."""
        spans = ((0, 1), (1, 2), (2, 4), (4, 7))
        return {
            tag
            for kind in self.kinds
            for tag in self.tags_of([(begin, end, kind) for begin, end in spans], 7)
        }

    def entities(self, tags: Sequence[str]) -> list[Entity]:
        """What these tags mark."""
        return entities(tags, plain=self.scheme == "plain")

    def tags_of(self, found: Sequence[Entity], length: int) -> list[str]:
        """Entities as tags of the training data's own scheme."""
        return tags_of(found, length, self.scheme)

    def encode(self, source: Tagged) -> Sentences:
        """Sentences as the network takes them; entities of unseen types are none to it."""
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
        own = "plain" if self.scheme == "plain" else "bioes"
        numbers = {tag: i for i, tag in enumerate(self.tags)}
        return [numbers[tag] for tag in tags_of(found, len(tags), own)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
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
        """What `to_dict` gave."""
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
    """The entities of every sentence."""
    assert source.tags is not None
    return [entities(tags, plain=scheme == "plain") for tags in source.tags]


def _folded(tokens: Sequence[str], lowercase: bool) -> list[str]:
    return [token.lower() for token in tokens] if lowercase else list(tokens)


def _pairs(words: Sequence[str]) -> list[str]:
    return [f"{left} {right}" for left, right in pairwise([*words, _END])]

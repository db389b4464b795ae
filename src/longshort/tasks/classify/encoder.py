"""What the training part decides before the network: labels, vocabulary, scales."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from longshort.config.sequences import TextConfig
from longshort.data.finders import SHOWN
from longshort.data.findings import Finding
from longshort.data.grams import LETTERS, Bags, Grams, kinds_for
from longshort.data.labelled import Examples, Item, first_not_finite
from longshort.data.labels import LabelKind, as_given
from longshort.data.padding import pad_arrays, pad_numbers
from longshort.data.tokens import Tokeniser, content_of, find_tokeniser, suited
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError, RunError
from longshort.tasks.classify.config import ClassifyConfig

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_MOST_GRAMS = 50_000
_NAME, _LOOKED_AT = 2, 1_000
_CONSTANT = 1e-12
"""A deviation below this share of the largest value is rounding."""


@dataclass(frozen=True)
class Batch:
    """Sequences as the network takes them, in arrays or tensors.

    x: token numbers [T, B] or values [T, B, F]; lengths [B]; targets [B]: numbers of the labels,
    None where there are none; grams: n-grams of the texts, where the network reads them.
    """

    x: Any
    lengths: Any
    targets: Any
    grams: Bags | None


@dataclass(frozen=True)
class Sequences:
    """Samples as numbers: token numbers, or scaled values [T, F].

    targets [n]: numbers of the labels, empty where there are none; grams: n-grams of the texts.
    """

    items: list[list[int]] | list[Floats]
    targets: Ints
    grams: Bags | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> Ints:
        """[n]; an empty text counts as one step."""
        return np.array([max(1, len(item)) for item in self.items], dtype=np.int64)

    def take(self, rows: Iterable[int]) -> Sequences:
        """These sequences, in their order."""
        chosen = [int(i) for i in rows]
        items: Any = [self.items[i] for i in chosen]
        targets = self.targets[chosen] if len(self.targets) else self.targets
        return Sequences(items, targets, None if self.grams is None else self.grams.take(chosen))

    def batch(self, numbers: Ints) -> Batch:
        """The samples with these numbers, padded."""
        items: Any = [self.items[i] for i in numbers.tolist()]
        x, lengths = pad_numbers(items) if isinstance(items[0], list) else pad_arrays(items)
        targets = self.targets[numbers] if len(self.targets) else None
        return Batch(x, lengths, targets, self._bags(numbers))

    def _bags(self, numbers: Ints) -> Bags | None:
        """Weights have 32 bits, since some devices know no more."""
        if self.grams is None:
            return None
        taken = self.grams.take(numbers)
        return replace(taken, weights=taken.weights.astype(np.float32))


class _Stored(BaseModel):
    """What is written of the encoder."""

    labels: tuple[str, ...] = Field(min_length=2)
    counts: tuple[int, ...]
    label_kind: LabelKind
    tokens: str | None
    tokenizer: str | None
    lowercase: bool
    max_length: int
    mean: tuple[FiniteFloat, ...]
    deviation: tuple[FiniteFloat, ...]
    vocabulary: dict[str, Any] | None
    grams: dict[str, Any] | None


@dataclass(frozen=True)
class ClassifyEncoder:
    """What the training split decides before the network: labels, vocabulary, scales."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    """Training samples of each label."""
    label_kind: LabelKind
    """As what labels came."""
    tokens: str | None
    """Name of the tokeniser; None for numbers."""
    tokenizer: str | None
    """Content of the tokeniser's file, where it has one."""
    lowercase: bool
    max_length: int
    vocabulary: Vocabulary | None
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    grams: Grams | None = None
    """N-grams that the network reads beside the tokens."""

    @staticmethod
    def fit(train: Examples, config: ClassifyConfig) -> ClassifyEncoder:
        """From the training part alone."""
        assert train.labels is not None
        labels = tuple(sorted(set(train.labels)))
        if len(labels) < 2:
            raise DataError(
                f"{train.name}: all {len(train):,} training examples have the label "
                f"{labels[0]!r}; there is nothing to tell apart"
            )
        seen = Counter(train.labels)
        counts = tuple(seen[label] for label in labels)
        text = config.text
        if not train.is_text:
            mean, deviation = _scales(train, by_channel=config.data.scaling != "all")
            kind = train.label_kind
            return ClassifyEncoder(
                labels, counts, kind, None, None, False, 0, None, mean, deviation
            )
        assert text.tokens is not None and text.min_count is not None
        tokenizer = content_of(text.tokens)
        vocabulary = vocabulary_of(train, text, tokenizer).checked(text.min_count)
        return ClassifyEncoder(
            labels,
            counts,
            train.label_kind,
            text.tokens,
            tokenizer,
            text.lowercase,
            text.max_length,
            vocabulary,
            (),
            (),
            _grams_of(train) if config.model.grams else None,
        )

    def labels_as_given(self) -> list[str] | list[int] | list[bool]:
        """The labels, as numbers or truths where they came so."""
        return as_given(self.labels, self.label_kind)

    def encode(self, examples: Examples) -> Sequences:
        """Examples as the network takes them; labels that training did not see are refused."""
        self.refuse_other_kind(examples)
        numbers = {label: i for i, label in enumerate(self.labels)}
        targets = []
        for label, place in zip(examples.labels or [], examples.places, strict=False):
            if label not in numbers:
                raise DataError(
                    f"{examples.name}: {place}: the label {label!r} does not occur in the training "
                    f"part; it has {', '.join(self.labels[:10])}"
                )
            targets.append(numbers[label])
        sequences, numbered = self._sequences(examples), np.array(targets, dtype=np.int64)
        if self.grams is None:
            return Sequences(sequences, numbered)
        texts = [str(item) for item in examples.items]
        return Sequences(sequences, numbered, self.grams.bags(texts))

    def refuse_other_kind(self, examples: Examples) -> None:
        """Raise for texts where the run has numbers, and the other way round."""
        features = len(self.mean)
        for place, item in zip(examples.places, examples.items, strict=True):
            owner = f"{examples.name}: {place}"
            if isinstance(item, str) != (self.vocabulary is not None):
                kind = "texts" if self.vocabulary is not None else "arrays [T, F]"
                got = "a text" if isinstance(item, str) else "numbers"
                raise DataError(f"{owner}: the run classifies {kind}, got {got}")
            if not isinstance(item, str) and (np.ndim(item) != 2 or item.shape[1] != features):
                raise DataError(
                    f"{owner}: an array [T, {features}] is expected, got {np.shape(item)}"
                )
            if not isinstance(item, str) and not len(item):
                raise DataError(f"{owner}: has no steps; leave it out")

    def unknown(self, examples: Examples) -> list[Finding]:
        """What is to be said of texts without a known token: their label is a guess."""
        if self.vocabulary is None or not examples.is_text:
            return []
        cut, known = self.tokeniser().cut, self.vocabulary
        pairs = zip(examples.places, examples.items, strict=True)
        places = [place for place, text in pairs if not any(t in known for t in cut(str(text)))]
        if not places:
            return []
        more = ", …" if len(places) > SHOWN else ""
        text = (
            f"{', '.join(places[:SHOWN])}{more}: empty, or without a token that the run knows "
            f"({len(places):,} of {len(examples):,} texts), so the label is a guess"
        )
        return [Finding("unknown", "note", text)]

    def tokeniser(self) -> Tokeniser:
        """Of texts."""
        assert self.tokens is not None
        return find_tokeniser(self.tokens, self.lowercase, self.tokenizer)

    def _sequences(self, examples: Examples) -> list[list[int]] | list[Floats]:
        if self.vocabulary is None:
            pairs = zip(examples.places, examples.items, strict=True)
            return [self._scaled(examples, place, item) for place, item in pairs]
        cut, known = self.tokeniser().cut, self.vocabulary
        return [shortened(known.encode(cut(str(item))), self.max_length) for item in examples.items]

    def _scaled(self, examples: Examples, place: str, item: Item) -> Floats:
        with np.errstate(over="ignore"):
            scaled = (np.asarray(item, dtype=np.float64) - self.mean) / self.deviation
            values = scaled.astype(np.float32)
        at = first_not_finite(values)
        if at is not None:
            raise DataError(
                f"{examples.name}: {place}, {examples.channel(*at)}: the value is {scaled[at]:.3g} "
                "deviations off the training part's mean, too far for 32-bit numbers; correct it, "
                "or leave the sequence out"
            )
        return values

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "labels": list(self.labels),
            "counts": list(self.counts),
            "label_kind": self.label_kind,
            "tokens": self.tokens,
            "tokenizer": self.tokenizer,
            "lowercase": self.lowercase,
            "max_length": self.max_length,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "vocabulary": None if self.vocabulary is None else self.vocabulary.to_dict(),
            "grams": None if self.grams is None else self.grams.to_dict(),
        }

    @staticmethod
    def from_dict(stored: object) -> ClassifyEncoder:
        """What `to_dict` gave; raises `RunError` where it is damaged."""
        try:
            found = _Stored.model_validate(stored)
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in ("encoder", *problem["loc"]))
            raise RunError(f"data.json: damaged: {key}: {problem['msg']}") from None
        if (found.tokens is None) != (found.vocabulary is None):
            raise RunError("data.json: damaged: encoder.vocabulary goes with encoder.tokens")
        if len(found.mean) != len(found.deviation):
            raise RunError("data.json: damaged: encoder.mean and .deviation are not as many")
        plain = found.model_dump(exclude={"vocabulary", "grams"})
        known, grams = found.vocabulary, found.grams
        return ClassifyEncoder(
            vocabulary=None if known is None else Vocabulary.from_dict(known),
            grams=None if grams is None else Grams.from_dict(grams),
            **plain,
        )


def _grams_of(train: Examples) -> Grams | None:
    """The richest; None where no n-gram stands in two texts."""
    texts = [str(item) for item in train.items]
    kind = LETTERS if is_of_names(texts) else kinds_for(texts)[-1]
    found = Grams.fit(texts, kind, _MOST_GRAMS)
    return found if found.width else None


def is_of_names(texts: Sequence[str]) -> bool:
    """Whether most texts are one word or two, so that letters say more than words."""
    words = [len(text.split()) for text in texts[:_LOOKED_AT]]
    return suited(texts) == "words" and float(np.median(words)) <= _NAME


def vocabulary_of(train: Examples, text: TextConfig, content: str | None) -> Vocabulary:
    """Of texts; `content` is that of the tokeniser's file, where it has one."""
    assert text.tokens is not None and text.min_count is not None
    tokeniser = find_tokeniser(text.tokens, text.lowercase, content)
    cut = (tokeniser.cut(str(item)) for item in train.items)
    return Vocabulary.fit(cut, text.min_count, text.max_vocab)


def _scales(train: Examples, *, by_channel: bool) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, or those of all values for each."""
    items = [np.asarray(item, dtype=np.float64) for item in train.items]
    axis = 0 if by_channel else None
    count = sum(item.shape[0] if by_channel else item.size for item in items)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = sum(item.sum(axis) for item in items) / count
        deviation = np.sqrt(sum(np.square(item - mean).sum(axis) for item in items) / count)
    largest = np.max([np.abs(item).max(axis) for item in items], axis=0)
    if not np.isfinite(deviation).all():
        raise DataError(
            f"{train.name}: holds values up to {np.max(largest):.3g}, too large to take their "
            "deviation; divide them, or take their logarithm"
        )
    scale = np.where(deviation > _CONSTANT * largest, deviation, 1.0)
    every = np.zeros(train.width)
    return tuple((mean + every).tolist()), tuple((scale + every).tolist())


def shortened(numbers: list[int], most: int) -> list[int]:
    """Without the middle, where it is longer: beginnings and ends say most."""
    if len(numbers) <= most:
        return numbers
    head = most - most // 2
    return numbers[:head] + numbers[len(numbers) - most // 2 :]

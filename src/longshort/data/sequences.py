"""Encoder of texts and arrays for a network: vocabulary or scales of the training split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat, ValidationError

from longshort.config.sequences import TextConfig
from longshort.data.finders import SHOWN
from longshort.data.findings import Finding
from longshort.data.grams import Bags
from longshort.data.labelled import Examples, Item, first_not_finite
from longshort.data.padding import pad_arrays, pad_numbers
from longshort.data.tokens import Tokeniser, content_of, find_tokeniser
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError, RunError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_CONSTANT = 1e-12
"""A deviation below this share of the largest value is rounding error."""


@dataclass(frozen=True)
class Batch:
    """A batch of padded sequences, in arrays or tensors.

    x: token numbers [T, B] or values [T, B, F]; lengths [B]. targets [B, …]: numbers of labels, or
    values; None where there are none. grams: n-grams of the texts, where the network uses them.
    """

    x: Any
    lengths: Any
    targets: Any
    grams: Bags | None


def longest_of(train: Examples, text: TextConfig) -> int:
    """Return the number of tokens of the longest text, or of steps of the longest sequence."""
    if not train.is_text:
        return max((len(item) for item in train.items), default=0)
    assert text.tokens is not None
    cut = find_tokeniser(text.tokens, text.lowercase).cut
    return min(text.max_length, max((len(cut(str(item))) for item in train.items), default=0))


@dataclass(frozen=True)
class Sequences:
    """Encoded samples: token numbers, or scaled values [T, F].

    targets [n, …]: numbers of labels, or values; empty where there are none. grams: n-grams of the
    texts.
    """

    items: list[list[int]] | list[Floats]
    targets: NDArray[Any]
    grams: Bags | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> Ints:
        """Lengths [n]; an empty text counts as one step."""
        return np.array([max(1, len(item)) for item in self.items], dtype=np.int64)

    def take(self, rows: Iterable[int]) -> Sequences:
        """Return the sequences with these numbers, in this order."""
        chosen = [int(i) for i in rows]
        items: Any = [self.items[i] for i in chosen]
        targets = self.targets[chosen] if len(self.targets) else self.targets
        return Sequences(items, targets, None if self.grams is None else self.grams.take(chosen))

    def batch(self, numbers: Ints) -> Batch:
        """Return the samples with these numbers, padded."""
        items: Any = [self.items[i] for i in numbers.tolist()]
        x, lengths = pad_numbers(items) if isinstance(items[0], list) else pad_arrays(items)
        targets = self.targets[numbers] if len(self.targets) else None
        return Batch(x, lengths, targets, self._bags(numbers))

    def _bags(self, numbers: Ints) -> Bags | None:
        """Return these samples' n-grams; weights are float32, since some devices lack float64."""
        if self.grams is None:
            return None
        taken = self.grams.take(numbers)
        return replace(taken, weights=taken.weights.astype(np.float32))


class _Stored(BaseModel):
    """Fields of `SequenceReader` in JSON."""

    tokens: str | None
    tokenizer: str | None
    lowercase: bool
    max_length: int
    mean: tuple[FiniteFloat, ...]
    deviation: tuple[FiniteFloat, ...]
    vocabulary: dict[str, Any] | None


@dataclass(frozen=True)
class SequenceReader:
    """Encoder that is fitted on the training split.

    tokens: name of the tokeniser, None for arrays. tokenizer: content of the tokeniser's file,
    where it has one. mean, deviation: of every channel of arrays.
    """

    tokens: str | None
    tokenizer: str | None
    lowercase: bool
    max_length: int
    vocabulary: Vocabulary | None
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @staticmethod
    def fit(train: Examples, text: TextConfig, *, by_channel: bool) -> SequenceReader:
        """Fit on the training split; by_channel: whether each channel has its own scale."""
        if not train.is_text:
            mean, deviation = _scales(train, by_channel=by_channel)
            return SequenceReader(None, None, False, 0, None, mean, deviation)
        assert text.tokens is not None and text.min_count is not None
        content = content_of(text.tokens)
        vocabulary = vocabulary_of(train, text, content).checked(text.min_count)
        return SequenceReader(
            text.tokens, content, text.lowercase, text.max_length, vocabulary, (), ()
        )

    def read(self, examples: Examples) -> list[list[int]] | list[Floats]:
        """Return token numbers, or scaled values [T, F]; raises `DataError` for the other kind."""
        self.refuse_other_kind(examples)
        return self._sequences(examples)

    def refuse_other_kind(self, examples: Examples) -> None:
        """Raise `DataError` for texts where the run has numbers, and the other way round."""
        features = len(self.mean)
        for place, item in zip(examples.places, examples.items, strict=True):
            owner = f"{examples.name}: {place}"
            if isinstance(item, str) != (self.vocabulary is not None):
                kind = "texts" if self.vocabulary is not None else "arrays [T, F]"
                got = "a text" if isinstance(item, str) else "numbers"
                raise DataError(f"{owner}: the run reads {kind}, got {got}")
            if not isinstance(item, str) and (np.ndim(item) != 2 or item.shape[1] != features):
                raise DataError(
                    f"{owner}: an array [T, {features}] is expected, got {np.shape(item)}"
                )
            if not isinstance(item, str) and not len(item):
                raise DataError(f"{owner}: has no steps; leave it out")

    def unknown(self, examples: Examples) -> list[Finding]:
        """Find texts without any known token, whose prediction is a guess."""
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
            f"({len(places):,} of {len(examples):,} texts), so the prediction is a guess"
        )
        return [Finding("unknown", "note", text)]

    def tokeniser(self) -> Tokeniser:
        """Tokeniser of texts."""
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
                "deviations off the training split's mean, too far for 32-bit numbers; correct it, "
                "or leave the sequence out"
            )
        return values

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "tokens": self.tokens,
            "tokenizer": self.tokenizer,
            "lowercase": self.lowercase,
            "max_length": self.max_length,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "vocabulary": None if self.vocabulary is None else self.vocabulary.to_dict(),
        }

    @staticmethod
    def from_dict(stored: object) -> SequenceReader:
        """Return the encoder that `to_dict` wrote; raises `RunError` for damaged values."""
        found = validated(_Stored, stored)
        if (found.tokens is None) != (found.vocabulary is None):
            raise RunError("data.json: damaged: encoder.vocabulary goes with encoder.tokens")
        if len(found.mean) != len(found.deviation):
            raise RunError("data.json: damaged: encoder.mean and .deviation are not as many")
        known = found.vocabulary
        return SequenceReader(
            found.tokens,
            found.tokenizer,
            found.lowercase,
            found.max_length,
            None if known is None else Vocabulary.from_dict(known),
            found.mean,
            found.deviation,
        )


M = TypeVar("M", bound=BaseModel)


def validated(kind: type[M], stored: object) -> M:
    """Validate stored values of "encoder" in `data.json`; a `RunError` names the damaged one."""
    try:
        return kind.model_validate(stored)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in ("encoder", *problem["loc"]))
        raise RunError(f"data.json: damaged: {key}: {problem['msg']}") from None


def vocabulary_of(train: Examples, text: TextConfig, content: str | None) -> Vocabulary:
    """Fit the vocabulary of texts; `content` is that of the tokeniser's file, where it has one."""
    assert text.tokens is not None and text.min_count is not None
    tokeniser = find_tokeniser(text.tokens, text.lowercase, content)
    cut = (tokeniser.cut(str(item)) for item in train.items)
    return Vocabulary.fit(cut, text.min_count, text.max_vocab)


def _scales(train: Examples, *, by_channel: bool) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each channel, or those of all values for each."""
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
    """Remove the middle of a sequence longer than `most`: beginning and end matter most."""
    if len(numbers) <= most:
        return numbers
    head = most - most // 2
    return numbers[:head] + numbers[len(numbers) - most // 2 :]

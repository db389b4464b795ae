"""What the training part decides before the network: labels, vocabulary, scales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError, model_validator
from torch import Tensor

from longshort.config.classify import ClassifyConfig
from longshort.config.sequences import TextConfig
from longshort.data.buckets import pad_arrays, pad_numbers
from longshort.data.grams import LETTERS, Bags, Grams, kinds_for
from longshort.data.labelled import Examples, Item, first_not_finite
from longshort.data.labels import LabelKind, as_given
from longshort.data.tokens import Tokeniser, content_of, find_tokeniser, suited
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError, RunError
from longshort.nn.blocks.grams import Bag

Floats = NDArray[np.float32]
_MOST_GRAMS = 50_000
_NAME, _LOOKED_AT = 2, 1_000
_CONSTANT = 1e-12
"""A deviation below this share of the largest value is rounding."""


@dataclass(frozen=True)
class Encoded:
    """Sequences as the network takes them: token numbers, or scaled values [T, F]."""

    sequences: list[list[int]] | list[Floats]
    targets: Tensor
    """Numbers of the labels, [n]; empty where there are none."""
    grams: Bags | None = None
    """N-grams of the texts, where the network reads them too."""

    @property
    def lengths(self) -> Tensor:
        """[n]; an empty text counts as one step."""
        return torch.tensor([max(1, len(sequence)) for sequence in self.sequences])

    def take(self, rows: Iterable[int]) -> Encoded:
        """These sequences, in their order."""
        chosen = [int(i) for i in rows]
        sequences: Any = [self.sequences[i] for i in chosen]
        targets = self.targets[chosen] if len(self.targets) else self.targets
        return Encoded(sequences, targets, None if self.grams is None else self.grams.take(chosen))

    def batch(self, samples: Tensor) -> tuple[Tensor, Tensor, Bag | None]:
        """Numbers [T, B] or values [T, B, F], lengths [B], and n-grams where there are."""
        x, lengths = pad([self.sequences[i] for i in samples.tolist()])
        return x, lengths, None if self.grams is None else _bag(self.grams, samples)


def _bag(grams: Bags, samples: Tensor) -> Bag:
    taken = grams.take(samples.numpy())
    columns, begins = torch.from_numpy(taken.columns), torch.from_numpy(taken.begins[:-1])
    return Bag(columns, torch.from_numpy(taken.weights).float(), begins)


def pad(sequences: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Sequences of one kind as a tensor and lengths."""
    if isinstance(sequences[0], list):
        return pad_numbers(sequences)
    return pad_arrays(sequences)


class _Stored(BaseModel):
    """What is written of `Fitted`."""

    labels: tuple[str, ...] = Field(min_length=2)
    label_kind: LabelKind = "text"
    tokens: str | None
    tokenizer: str | None = None
    lowercase: bool
    max_length: int
    mean: tuple[FiniteFloat, ...]
    deviation: tuple[FiniteFloat, ...]

    @model_validator(mode="before")
    @classmethod
    def _of_older_runs(cls, stored: Any) -> Any:
        """Runs that only told numbers from texts say so under another name."""
        if isinstance(stored, dict) and stored.get("has_whole_labels"):
            return {"label_kind": "number", **stored}
        return stored


@dataclass(frozen=True)
class Fitted:
    """Everything that was learned from the training part but weights."""

    labels: tuple[str, ...]
    label_kind: LabelKind
    """As what they came."""
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
    def fit(train: Examples, config: ClassifyConfig) -> Fitted:
        """From the training part alone."""
        assert train.labels is not None
        labels = tuple(sorted(set(train.labels)))
        if len(labels) < 2:
            raise DataError(
                f"{train.name}: all {len(train):,} training examples have the label "
                f"{labels[0]!r}; there is nothing to tell apart"
            )
        text = config.text
        if not train.is_text:
            mean, deviation = _scales(train, by_channel=config.data.scaling != "all")
            kind = train.label_kind
            return Fitted(labels, kind, None, None, False, 0, None, mean, deviation)
        assert text.tokens is not None and text.min_count is not None
        tokenizer = content_of(text.tokens)
        vocabulary = vocabulary_of(train, text, tokenizer).checked(text.min_count)
        return Fitted(
            labels,
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

    def encode(self, examples: Examples) -> Encoded:
        """Examples as the network takes them; labels that training did not see are refused."""
        numbers = {label: i for i, label in enumerate(self.labels)}
        targets = []
        for label, place in zip(examples.labels or [], examples.places, strict=False):
            if label not in numbers:
                raise DataError(
                    f"{examples.name}: {place}: the label {label!r} does not occur in the training "
                    f"part; it has {', '.join(self.labels[:10])}"
                )
            targets.append(numbers[label])
        sequences, numbered = self._sequences(examples), torch.tensor(targets, dtype=torch.int64)
        if self.grams is None:
            return Encoded(sequences, numbered)
        texts = [str(item) for item in examples.items]
        return Encoded(sequences, numbered, self.grams.bags(texts))

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
        """Plain values for JSON, but for vocabulary and n-grams, which stand beside them."""
        return {
            "labels": list(self.labels),
            "label_kind": self.label_kind,
            "tokens": self.tokens,
            "tokenizer": self.tokenizer,
            "lowercase": self.lowercase,
            "max_length": self.max_length,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
        }

    @staticmethod
    def from_dict(
        stored: object, vocabulary: Vocabulary | None, grams: Grams | None = None
    ) -> Fitted:
        """What `to_dict` gave; raises `RunError` where it is damaged."""
        try:
            found = _Stored.model_validate(stored)
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in ("fitted", *problem["loc"]))
            raise RunError(f"data.json: damaged: {key}: {problem['msg']}") from None
        if (found.tokens is None) != (vocabulary is None):
            raise RunError("data.json: damaged: a vocabulary goes with fitted.tokens, and only so")
        if len(found.mean) != len(found.deviation):
            raise RunError("data.json: damaged: fitted.mean and fitted.deviation are not as many")
        return Fitted(vocabulary=vocabulary, grams=grams, **found.model_dump())


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

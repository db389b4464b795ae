"""What the training part decides before the network: labels, vocabulary, scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.config.classify import ClassifyConfig
from longshort.data.buckets import pad_arrays, pad_numbers
from longshort.data.labelled import Examples, Item
from longshort.data.tokens import Tokeniser, find_tokeniser
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError, RunError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Encoded:
    """Sequences as the network takes them: token numbers, or scaled values [T, F]."""

    sequences: list[list[int]] | list[Floats]
    targets: Tensor
    """Numbers of the labels, [n]; empty where there are none."""

    @property
    def lengths(self) -> Tensor:
        """[n]; an empty text counts as one step."""
        return torch.tensor([max(1, len(sequence)) for sequence in self.sequences])

    def batch(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers [T, B] or values [T, B, F], and lengths [B]."""
        return pad([self.sequences[i] for i in samples.tolist()])


def pad(sequences: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Sequences of one kind as a tensor and lengths."""
    if isinstance(sequences[0], list):
        return pad_numbers(sequences)
    return pad_arrays(sequences)


@dataclass(frozen=True)
class Fitted:
    """Everything that was learned from the training part but weights."""

    labels: tuple[str, ...]
    tokens: str | None
    """Name of the tokeniser; None for numbers."""
    lowercase: bool
    max_length: int
    vocabulary: Vocabulary | None
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

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
            values = np.concatenate([np.asarray(item, dtype=np.float64) for item in train.items])
            mean, deviation = values.mean(0), values.std(0)
            if config.data.scaling == "all":
                mean, deviation = (np.full_like(mean, of) for of in (values.mean(), values.std()))
            deviation[deviation < 1e-8] = 1.0
            return Fitted(
                labels, None, False, 0, None, tuple(mean.tolist()), tuple(deviation.tolist())
            )
        assert text.tokens is not None
        tokeniser = find_tokeniser(text.tokens, text.lowercase)
        cut = [tokeniser.cut(str(item)) for item in train.items]
        vocabulary = Vocabulary.fit(cut, text.min_count, text.max_vocab)
        return Fitted(labels, text.tokens, text.lowercase, text.max_length, vocabulary, (), ())

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
        return Encoded(self._sequences(examples.items), torch.tensor(targets, dtype=torch.int64))

    def tokeniser(self) -> Tokeniser:
        """Of texts."""
        assert self.tokens is not None
        return find_tokeniser(self.tokens, self.lowercase)

    def _sequences(self, items: Sequence[Item]) -> list[list[int]] | list[Floats]:
        if self.vocabulary is None:
            mean = np.array(self.mean, dtype=np.float32)
            deviation = np.array(self.deviation, dtype=np.float32)
            return [(np.asarray(item) - mean) / deviation for item in items]
        cut, known = self.tokeniser().cut, self.vocabulary
        return [shortened(known.encode(cut(str(item))), self.max_length) for item in items]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, but for the vocabulary, which has a file of its own."""
        return {
            "labels": list(self.labels),
            "tokens": self.tokens,
            "lowercase": self.lowercase,
            "max_length": self.max_length,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
        }

    @staticmethod
    def from_dict(stored: dict[str, Any], vocabulary: Vocabulary | None) -> Fitted:
        """What `to_dict` gave; raises `RunError` where it is damaged."""
        try:
            return Fitted(
                tuple(stored["labels"]),
                stored["tokens"],
                bool(stored["lowercase"]),
                int(stored["max_length"]),
                vocabulary,
                tuple(float(v) for v in stored["mean"]),
                tuple(float(v) for v in stored["deviation"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"data.json: damaged: {error!r} in what was fitted") from None


def shortened(numbers: list[int], most: int) -> list[int]:
    """Without the middle, where it is longer: beginnings and ends say most."""
    if len(numbers) <= most:
        return numbers
    head = most - most // 2
    return numbers[:head] + numbers[len(numbers) - most // 2 :]

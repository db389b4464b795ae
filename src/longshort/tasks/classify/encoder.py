"""What the training split decides before the network: labels, vocabulary, scales, n-grams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from longshort.data.grams import LETTERS, Grams, kinds_for
from longshort.data.labelled import Examples
from longshort.data.labels import LabelKind, as_given
from longshort.data.sequences import SequenceReader, Sequences, validated
from longshort.data.tokens import suited
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError
from longshort.tasks.classify.config import ClassifyConfig

_MOST_GRAMS = 50_000
_NAME, _LOOKED_AT = 2, 1_000


class _Stored(BaseModel):
    """What is written of the encoder beside its reader."""

    labels: tuple[str, ...] = Field(min_length=2)
    counts: tuple[int, ...]
    label_kind: LabelKind
    grams: dict[str, Any] | None


@dataclass(frozen=True)
class ClassifyEncoder:
    """Labels, how texts or arrays are read, and n-grams.

    counts: training samples of each label; label_kind: as what labels came; grams: n-grams that
    the network reads beside the tokens.
    """

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    label_kind: LabelKind
    reader: SequenceReader
    grams: Grams | None = None

    @staticmethod
    def fit(train: Examples, config: ClassifyConfig) -> ClassifyEncoder:
        """From the training split alone."""
        assert train.labels is not None
        labels = tuple(sorted(set(train.labels)))
        if len(labels) < 2:
            raise DataError(
                f"{train.name}: all {len(train):,} training examples have the label "
                f"{labels[0]!r}; there is nothing to tell apart"
            )
        seen = Counter(train.labels)
        by_channel = config.data.scaling != "all"
        return ClassifyEncoder(
            labels,
            tuple(seen[label] for label in labels),
            train.label_kind,
            SequenceReader.fit(train, config.text, by_channel=by_channel),
            _grams_of(train) if train.is_text and config.model.grams else None,
        )

    @property
    def vocabulary(self) -> Vocabulary | None:
        """Of texts."""
        return self.reader.vocabulary

    def labels_as_given(self) -> list[str] | list[int] | list[bool]:
        """The labels, as numbers or truths where they came so."""
        return as_given(self.labels, self.label_kind)

    def encode(self, examples: Examples) -> Sequences:
        """Examples as the network takes them; labels that training did not see are refused."""
        items, targets = self.reader.read(examples), self._targets(examples)
        if self.grams is None:
            return Sequences(items, targets)
        return Sequences(items, targets, self.grams.bags([str(item) for item in examples.items]))

    def _targets(self, examples: Examples) -> Any:
        numbers = {label: i for i, label in enumerate(self.labels)}
        targets = []
        for label, place in zip(examples.labels or [], examples.places, strict=False):
            if label not in numbers:
                raise DataError(
                    f"{examples.name}: {place}: the label {label!r} does not occur in the training "
                    f"split; it has {', '.join(self.labels[:10])}"
                )
            targets.append(numbers[label])
        return np.array(targets, dtype=np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "labels": list(self.labels),
            "counts": list(self.counts),
            "label_kind": self.label_kind,
            **self.reader.to_dict(),
            "grams": None if self.grams is None else self.grams.to_dict(),
        }

    @staticmethod
    def from_dict(stored: object) -> ClassifyEncoder:
        """What `to_dict` gave; raises `RunError` where it is damaged."""
        found, reader = validated(_Stored, stored), SequenceReader.from_dict(stored)
        grams = None if found.grams is None else Grams.from_dict(found.grams)
        return ClassifyEncoder(found.labels, found.counts, found.label_kind, reader, grams)


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

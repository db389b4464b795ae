"""The encoder of a classifier: labels, vocabulary, scales and n-grams of the training split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from longshort.data.grams import LETTERS, Grams, kinds_for
from longshort.data.labelled import Examples
from longshort.data.labels import LabelDtype, LabelKind, as_given
from longshort.data.sequences import SequenceReader, Sequences, validated
from longshort.data.tokens import suited
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.exclusive import Exclusive
from longshort.tasks.classify.several import Several
from longshort.tasks.classify.targets import Targets

_MOST_GRAMS = 50_000
_NAME, _LOOKED_AT = 2, 1_000


class _Stored(BaseModel):
    """The stored values of an encoder, apart from those of its reader.

    separator, total: as in `Targets`, where samples may have several labels; label_dtype: dtype of
    labels that were given as an array.
    """

    labels: tuple[str, ...] = Field(min_length=1)
    counts: tuple[int, ...]
    label_kind: LabelKind
    label_dtype: LabelDtype | None = None
    separator: str | None = None
    total: int | None = None
    grams: dict[str, Any] | None


@dataclass(frozen=True)
class ClassifyEncoder:
    """The labels, the reader of texts or arrays, and the n-grams that the network reads, if any."""

    targets: Targets
    reader: SequenceReader
    grams: Grams | None = None

    @staticmethod
    def fit(train: Examples, config: ClassifyConfig) -> ClassifyEncoder:
        """Fit the encoder on the training split; raise `DataError` if it has too few labels."""
        by_channel = config.data.scaling != "all"
        return ClassifyEncoder(
            _targets_of(train),
            SequenceReader.fit(train, config.text, by_channel=by_channel),
            _grams_of(train) if train.is_text and config.model.grams else None,
        )

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The known tokens; None where samples are arrays."""
        return self.reader.vocabulary

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the probabilities."""
        return self.targets.labels

    def encode(self, examples: Examples) -> Sequences:
        """Encode examples; raise `DataError` for labels that the training split lacks."""
        items, targets = self.reader.read(examples), self.targets.numbers(examples)
        if self.grams is None:
            return Sequences(items, targets)
        return Sequences(items, targets, self.grams.bags([str(item) for item in examples.items]))

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain values for JSON."""
        known = self.targets
        several = {"separator": known.separator, "total": known.total} if known.separator else {}
        return {
            "labels": list(known.labels),
            "counts": list(known.counts),
            "label_kind": known.kind,
            "label_dtype": known.dtype,
            **several,
            **self.reader.to_dict(),
            "grams": None if self.grams is None else self.grams.to_dict(),
        }

    @staticmethod
    def from_dict(stored: object) -> ClassifyEncoder:
        """Return the encoder that `to_dict` wrote; raise `RunError` if the values are damaged."""
        found, reader = validated(_Stored, stored), SequenceReader.from_dict(stored)
        grams = None if found.grams is None else Grams.from_dict(found.grams)
        total = sum(found.counts) if found.total is None else found.total
        known = found.labels, found.counts, total, found.label_kind
        targets = _made(*known, found.separator, found.label_dtype)
        return ClassifyEncoder(targets, reader, grams)


def _targets_of(train: Examples) -> Targets:
    """Return the labels of the training split; raise `DataError` if there are too few."""
    seen = Counter(label for each in train.label_sets for label in each)
    labels = tuple(sorted(seen, key=lambda name: as_given([name], train.label_kind)))
    if not labels or (train.separator is None and len(labels) < 2):
        have = f"have the label {labels[0]!r}" if labels else "are without a label"
        raise DataError(
            f"{train.name}: all {len(train):,} training examples {have}; there is nothing to tell "
            "apart"
        )
    counts = tuple(seen[label] for label in labels)
    kind, dtype = train.label_kind, train.label_dtype
    return _made(labels, counts, len(train), kind, train.separator, dtype)


def _made(
    labels: tuple[str, ...],
    counts: tuple[int, ...],
    total: int,
    kind: LabelKind,
    separator: str | None,
    dtype: LabelDtype | None,
) -> Targets:
    if separator is None:
        return Exclusive(labels, counts, total, kind, dtype=dtype)
    return Several(labels, counts, total, kind, separator)


def _grams_of(train: Examples) -> Grams | None:
    """Return the n-grams of the richest kind that suits; None if none occurs in two texts."""
    texts = [str(item) for item in train.items]
    kind = LETTERS if is_of_names(texts) else kinds_for(texts)[-1]
    found = Grams.fit(texts, kind, _MOST_GRAMS)
    return found if found.width else None


def is_of_names(texts: Sequence[str]) -> bool:
    """Whether most texts are one word or two, so that letters say more than words."""
    words = [len(text.split()) for text in texts[:_LOOKED_AT]]
    return suited(texts) == "words" and float(np.median(words)) <= _NAME

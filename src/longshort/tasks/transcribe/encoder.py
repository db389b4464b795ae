"""Utterances as arrays: scaled features and the numbers of characters; without torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import VariedSettings
from longshort.data.audio.features import with_slopes
from longshort.data.audio.files import KINDS as SOUNDS
from longshort.data.audio.normalise import Scales, normalised
from longshort.data.audio.vary import masked
from longshort.data.padding import pad_arrays
from longshort.data.textfiles import read_text
from longshort.errors import DataError
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.files import KINDS
from longshort.tasks.transcribe.language import Language
from longshort.tasks.transcribe.samples import Floats, Utterances

Ints = NDArray[np.int64]
BLANK = 0
"""Class of the blank; characters have the numbers from 1."""


@dataclass(frozen=True)
class SpeechEncoder:
    """The alphabet, the scales of features, and the texts of the language model.

    width: numbers of a frame as they are read. rate: samples a second of recordings; None where
    features are given, which `normalise` and `deltas` are then for.
    """

    alphabet: str
    width: int
    rate: int | None
    normalise: str
    deltas: int
    scales: Scales
    language: Language | None

    @property
    def classes(self) -> int:
        """Number of characters, and the blank."""
        return len(self.alphabet) + 1

    @property
    def inputs(self) -> int:
        """Numbers of a frame as the network reads it."""
        return len(self.scales.mean)

    def labels(self, text: str) -> list[int]:
        """Return the numbers of a text's characters, without those that are not known."""
        return [self.alphabet.index(c) + 1 for c in text if c in self.alphabet]

    def text(self, labels: Any) -> str:
        """Return the text of these labels."""
        return "".join(self.alphabet[label - 1] for label in labels)

    def scaled(self, item: Floats) -> Floats:
        """Return features as the network reads them, [T, inputs]."""
        return self.scales.apply(self.prepared(item))

    def prepared(self, item: Floats) -> Floats:
        """Return features before the scales: those that were given are normalised here."""
        return _prepared(item, self.rate, self.normalise, self.deltas)


def _prepared(item: Floats, rate: int | None, normalise: str, deltas: int) -> Floats:
    return item if rate is not None else with_slopes(normalised(item, normalise), deltas)


@dataclass(frozen=True)
class Batch:
    """A batch of utterances, in arrays or tensors.

    x [T, B, F], padded with 0; lengths [B] in frames. labels [B, U] with label_lengths [B]; None
    where texts are not known.
    """

    x: Any
    lengths: Any
    labels: Any = None
    label_lengths: Any = None


@dataclass(frozen=True)
class SpeechArrays:
    """Encoded utterances: features [T, F], and labels, which are empty without texts."""

    items: list[Floats]
    labels: list[list[int]]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: Iterable[int]) -> SpeechArrays:
        """Return the utterances with these numbers, in this order."""
        chosen = list(rows)
        labels = [self.labels[i] for i in chosen] if self.labels else []
        return SpeechArrays([self.items[i] for i in chosen], labels)

    @property
    def lengths(self) -> Ints:
        """Frames of each utterance, [n]."""
        return np.array([len(item) for item in self.items], dtype=np.int64)

    def batch(self, numbers: Ints) -> Batch:
        """Return the utterances with these numbers, padded."""
        return self._batch([self.items[i] for i in numbers.tolist()], numbers)

    def varied(self, numbers: Ints, how: VariedSettings, draw: np.random.Generator) -> Batch:
        """Return these utterances at random speeds, with random masks; enough frames are kept."""
        items = []
        for i in numbers.tolist():
            speed = how.speeds[int(draw.integers(len(how.speeds)))] if how.speeds else 1.0
            items.append(masked(at_speed(self.items[i], speed), how, draw))
        return self._batch(items, numbers)

    def _batch(self, items: list[Floats], numbers: Ints) -> Batch:
        x, lengths = pad_arrays(items)
        if not self.labels:
            return Batch(x, lengths)
        labels = [self.labels[i] for i in numbers.tolist()]
        counts = np.array([len(each) for each in labels], dtype=np.int64)
        padded = np.zeros((len(labels), int(counts.max(initial=0))), dtype=np.int64)
        for row, each in zip(padded, labels, strict=True):
            row[: len(each)] = each
        return Batch(x, lengths, padded, counts)


def at_speed(item: Floats, speed: float) -> Floats:
    """Return features [T, F] with 1 / speed times as many frames, interpolated over time."""
    if speed == 1.0 or len(item) < 2:
        return item
    places = np.linspace(0, len(item) - 1, max(2, round(len(item) / speed)))
    before = np.minimum(places.astype(np.int64), len(item) - 2)
    share = (places - before)[:, None].astype(np.float32)
    return np.asarray(item[before] * (1 - share) + item[before + 1] * share, np.float32)


def fit_encoder(train: Utterances, config: TranscribeConfig) -> SpeechEncoder:
    """Fit alphabet, scales and language model on the training utterances."""
    texts = train.texts or []
    alphabet = config.text.alphabet or "".join(sorted({c for text in texts for c in text}))
    if not alphabet:
        raise DataError(f"{train.name}: all texts are empty; there is nothing to learn")
    audio, kind = config.audio, config.language.kind
    prepared = [_prepared(i, train.rate, audio.normalise, audio.deltas) for i in train.items]
    language = None
    if kind != "none":
        more = _lines(config)
        order = config.language.order or 1
        language = Language.fit(kind, order, [*texts, *more], alphabet)
    return SpeechEncoder(
        alphabet, train.width, train.rate, audio.normalise, audio.deltas, Scales.fit(prepared),
        language,
    )  # fmt: skip


def _lines(config: TranscribeConfig) -> list[str]:
    """Return the further texts of the language model, with single spaces."""
    if config.language.path is None:
        return []
    lines = [" ".join(line.split()) for line in read_text(Path(config.language.path)).lines]
    return [line.lower() if config.text.lowercase else line for line in lines if line]


def _of_other_kind(encoder: SpeechEncoder) -> str:
    """Return what is said of recordings where features are read, and of features for recordings."""
    if encoder.rate is not None:
        return f"holds features, and the run reads recordings; give these ({', '.join(SOUNDS)})"
    return (
        f"is a recording, and the run reads features, {encoder.width} numbers a frame; give files "
        f"of these ({', '.join(KINDS)}), or a table with the names of arrays, and --set "
        "data.features=FILE.npz"
    )


def encode(encoder: SpeechEncoder, samples: Utterances) -> SpeechArrays:
    """Return utterances as arrays; raises `DataError` for features of another kind."""
    for item, file in zip(samples.items, samples.files, strict=True):
        place = file if samples.path is None else f"{samples.name}: {file}"
        if (samples.rate is None) != (encoder.rate is None):
            raise DataError(f"{place}: {_of_other_kind(encoder)}")
        if item.shape[1] != encoder.width:
            raise DataError(
                f"{place}: {item.shape[1]} numbers a frame, and the run reads {encoder.width}; "
                "make the features as the run's were made"
            )
    items = [encoder.scaled(item) for item in samples.items]
    return SpeechArrays(items, [encoder.labels(text) for text in samples.texts or []])


def store(encoder: SpeechEncoder) -> dict[str, Any]:
    """Return an encoder as plain values for JSON."""
    return {
        "alphabet": encoder.alphabet,
        "width": encoder.width,
        "rate": encoder.rate,
        "normalise": encoder.normalise,
        "deltas": encoder.deltas,
        "scales": encoder.scales.to_dict(),
        "language": None if encoder.language is None else encoder.language.to_dict(),
    }


def restore(stored: dict[str, Any]) -> SpeechEncoder:
    """Return the encoder that `store` wrote."""
    language, rate = stored["language"], stored["rate"]
    return SpeechEncoder(
        str(stored["alphabet"]),
        int(stored["width"]),
        None if rate is None else int(rate),
        str(stored["normalise"]),
        int(stored["deltas"]),
        Scales.from_dict(stored["scales"]),
        None if language is None else Language.from_dict(language),
    )


def without_labels(batch: Batch) -> Batch:
    """Return a batch as the network reads it in inference."""
    return replace(batch, labels=None, label_lengths=None)

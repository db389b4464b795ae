"""The signs that are read, and lines as arrays."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import BEGIN, END
from longshort.data.padding import pad_arrays, pad_numbers
from longshort.data.strokes.features import features
from longshort.data.strokes.ink import Ink
from longshort.data.strokes.shape import normalise, resample
from longshort.metrics.stored_ngram import StoredNGram
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.ink import scaled
from longshort.tasks.read.looks import Looks
from longshort.tasks.read.samples import Kind, Lines

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Tokens = Literal["characters", "symbols"]
Form = Literal["NFC", "NFKC", "none"]

FIRST = {"ctc": 1, "attention": END + 1}
"""Number of the first sign by head: 0 is the blank or padding, and a decoder has marks too."""
STEP = 0.12
"""Distance of pen points, where the mean size of a stroke is 1."""
STRIDES: dict[Kind, int] = {"pictures": 4, "strokes": 2}
"""Columns of a picture, and points of a pen, that become one step of the network."""


@dataclass(frozen=True)
class ReadEncoder:
    """The alphabet, fitted on the training split, and how lines become arrays.

    signs: characters or symbols, sorted; first: number of the first, see `FIRST`. looks: of the
    training pictures; None for strokes. grams: the n-gram of the training texts, if one is used.
    """

    kind: Kind
    tokens: Tokens
    signs: tuple[str, ...]
    first: int
    height: int
    straighten: bool
    looks: Looks | None
    grams: StoredNGram | None

    @staticmethod
    def fit(train: Lines, config: ReadConfig) -> ReadEncoder:
        """Collect the signs of the training lines, and their looks; config is decided."""
        tokens, image = config.text.tokens or "characters", config.image
        texts = train.texts or []
        signs = tuple(sorted({sign for text in texts for sign in signs_of(text, tokens)}))
        looks = Looks.fit(train.looks) if train.looks else None
        first, write = FIRST[config.model.head], config.write
        found = ReadEncoder(
            train.kind, tokens, signs, first, image.height, image.straighten, looks, None
        )
        if config.model.head != "ctc" or not write.order or write.beam == 1:
            return found
        numbers = (found.encoded(text).tolist() for text in texts)
        return replace(found, grams=StoredNGram.fit(numbers, found.count, write.order))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Number of each sign."""
        return {sign: number for number, sign in enumerate(self.signs, self.first)}

    def split(self, text: str) -> list[str]:
        """Return the signs of a text."""
        return signs_of(text, self.tokens)

    def encoded(self, text: str) -> Ints:
        """Return the numbers of a text's signs; unknown ones are left out."""
        known = [self.numbers.get(sign) for sign in self.split(text)]
        return np.array([number for number in known if number is not None], dtype=np.int64)

    def listed(self, numbers: Sequence[int]) -> list[str]:
        """Return the signs with these numbers; those of marks are left out."""
        return [self.signs[n - self.first] for n in numbers if n >= self.first]

    def text(self, numbers: Sequence[int]) -> str:
        """Return the text of signs with these numbers."""
        return ("" if self.tokens == "characters" else " ").join(self.listed(numbers))

    @property
    def count(self) -> int:
        """How many numbers there are, those before the signs included."""
        return self.first + len(self.signs)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind,
            "tokens": self.tokens,
            "signs": list(self.signs),
            "first": self.first,
            "height": self.height,
            "straighten": self.straighten,
            "looks": None if self.looks is None else self.looks.to_dict(),
            "grams": None if self.grams is None else self.grams.to_dict(),
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> ReadEncoder:
        """Return what `to_dict` wrote."""
        looks, grams = stored["looks"], stored["grams"]
        return ReadEncoder(
            stored["kind"],
            stored["tokens"],
            tuple(str(sign) for sign in stored["signs"]),
            int(stored["first"]),
            int(stored["height"]),
            bool(stored["straighten"]),
            None if looks is None else Looks.from_dict(looks),
            None if grams is None else StoredNGram.from_dict(grams),
        )

    def array(self, ink: Any) -> NDArray[Any]:
        """Return a line as the network sees it: pixels [height, width], or points [T, features]."""
        if isinstance(ink, Ink):
            found = features(resample(normalise(ink, "stroke"), STEP))
            found[:, :2] /= STEP  # ways along a stroke are 1 long, as other features are
            return found
        return scaled(ink, self.height, straighten=self.straighten)


@dataclass(frozen=True)
class Batch:
    """A batch of lines, in arrays or tensors.

    x: pictures [B, H, W] or points [T, B, F], 0 is padding; lengths [B]: their widths or points.
    labels [B, U] and label_lengths [B]: numbers of the signs; read and wanted [U + 1, B]: the same
    for a decoder, with a begin mark or an end mark. All None without texts.
    """

    x: Any
    lengths: Any
    labels: Any = None
    label_lengths: Any = None
    read: Any = None
    wanted: Any = None


@dataclass(frozen=True)
class LineArrays:
    """Encoded lines: their arrays, and the numbers of their signs, None without texts."""

    encoder: ReadEncoder
    inputs: list[NDArray[Any]]
    labels: list[Ints] | None

    def take(self, rows: Sequence[int]) -> LineArrays:
        """Return the lines with these numbers, in this order."""
        labels = None if self.labels is None else [self.labels[i] for i in rows]
        return LineArrays(self.encoder, [self.inputs[i] for i in rows], labels)

    @cached_property
    def lengths(self) -> Ints:
        """Width or number of points of each line, [n]."""
        axis = 1 if self.encoder.kind == "pictures" else 0
        return np.array([each.shape[axis] for each in self.inputs], dtype=np.int64)

    def batch(self, numbers: Ints) -> Batch:
        """Return the lines with these numbers, padded."""
        chosen = [int(i) for i in numbers]
        inputs = [self.inputs[i] for i in chosen]
        lengths = self.lengths[chosen]
        is_picture = self.encoder.kind == "pictures"
        x = _pictures(inputs, lengths) if is_picture else pad_arrays(inputs)[0]
        if self.labels is None:
            return Batch(x, lengths)
        labels = [self.labels[i].tolist() for i in chosen]
        padded, _ = pad_numbers(labels)
        counts = np.array([len(each) for each in labels], dtype=np.int64)
        read, _ = pad_numbers([[BEGIN, *each] for each in labels])
        wanted, _ = pad_numbers([[*each, END] for each in labels])
        return Batch(x, lengths, np.ascontiguousarray(padded.T), counts, read, wanted)


def encode(encoder: ReadEncoder, samples: Lines) -> LineArrays:
    """Return lines as arrays."""
    inputs = [encoder.array(ink) for ink in samples.inputs]
    texts = samples.texts
    labels = None if texts is None else [encoder.encoded(text) for text in texts]
    return LineArrays(encoder, inputs, labels)


def steps_of(kind: Kind, length: int) -> int:
    """Return the number of steps of a line of so many columns or points."""
    return math.ceil(length / STRIDES[kind])


def signs_of(text: str, tokens: Tokens) -> list[str]:
    """Return the signs of a text: its characters, or its symbols apart by spaces."""
    return list(text) if tokens == "characters" else text.split()


def normalised(text: str, form: Form) -> str:
    """Return a text in a Unicode normal form, with single spaces and none at its ends."""
    found = text if form == "none" else unicodedata.normalize(form, text)
    return " ".join(found.split())


def _pictures(inputs: Sequence[NDArray[np.uint8]], lengths: Ints) -> Floats:
    width = STRIDES["pictures"] * steps_of("pictures", int(lengths.max()))
    found = np.zeros((len(inputs), inputs[0].shape[0], width), dtype=np.float32)
    for row, each in enumerate(inputs):
        found[row, :, : each.shape[1]] = each / np.float32(255.0)
    return found

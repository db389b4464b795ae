"""Images and captions as arrays, in batches; without torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.parallel import TokenKind
from longshort.data.coding import BEGIN, END, TextCoder
from longshort.data.padding import pad_numbers
from longshort.errors import DataError
from longshort.metrics.consensus import agreement
from longshort.metrics.texts import caption_words
from longshort.tasks.caption.config import CaptionText
from longshort.tasks.caption.features import PLACES, WHOLE, Features, FeatureTable, Floats, Key
from longshort.tasks.caption.samples import Captioned

Ints = NDArray[np.int64]
CLIP = 5.0
"""Features lie within so many standard deviations of their mean."""
_PART = 256


@dataclass(frozen=True)
class Scale:
    """Mean and spread of features over the training images, [size], and whose features they are."""

    encoder: str
    shape: tuple[int, ...]
    mean: Floats
    spread: Floats

    @staticmethod
    def fit(table: FeatureTable, images: list[str]) -> Scale:
        """Fit on these images; a feature without spread keeps its size."""
        total, squares, count = 0.0, 0.0, 0
        for begin in range(0, len(images), _PART):
            part = table.take(images[begin : begin + _PART]).astype(np.float64)
            flat = part.reshape(-1, part.shape[-1])
            total, squares = total + flat.sum(0), squares + (flat**2).sum(0)
            count += len(flat)
        mean = np.asarray(total / count)
        spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        spread = np.where(spread > 1e-6, spread, 1.0)
        return Scale(table.encoder, table.shape, *(v.astype(np.float32) for v in (mean, spread)))

    def apply(self, values: Floats) -> Floats:
        """Return features with mean 0 and spread 1, clipped."""
        found: Floats = np.clip((values - self.mean) / self.spread, -CLIP, CLIP)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        arrays = {"mean": self.mean.tolist(), "spread": self.spread.tolist()}
        return {"encoder": self.encoder, "shape": list(self.shape), **arrays}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Scale:
        """Return what `to_dict` wrote."""
        arrays = (np.array(stored[name], np.float32) for name in ("mean", "spread"))
        return Scale(str(stored["encoder"]), tuple(stored["shape"]), *arrays)


@dataclass(frozen=True)
class CaptionEncoder:
    """The tokens of captions, and the scales of features."""

    coder: TextCoder
    max_length: int
    plain: bool
    places: Scale | None
    whole: Scale | None
    agreement: float = 0.0
    """Power of a caption's agreement with the others of its image in its weight."""

    def text(self, caption: str) -> str:
        """Return a caption as it is learned."""
        return " ".join(caption_words(caption)) if self.plain else caption

    def numbers(self, caption: str) -> Ints:
        """Return the token numbers of a caption, without begin and end."""
        return np.array(self.coder.encode(self.text(caption))[: self.max_length], dtype=np.int64)


@dataclass(frozen=True)
class Batch:
    """A batch of images, in arrays or tensors.

    places [B, S, D]; whole [B, G]; read [T, B]: what the decoder reads, the begin mark first;
    wanted [T, B]: what it is to write, the end mark last; weights [B]: how much each caption
    counts. 0 is padding; the last three are None without captions, either of the first two where
    there are no such features.
    """

    places: Any
    whole: Any
    read: Any = None
    wanted: Any = None
    weights: Any = None


@dataclass(frozen=True)
class CaptionArrays:
    """Encoded samples, one for each caption: its image, and its token numbers.

    owners [n]: number of the image of each sample; weights [n]: how much it counts. Without
    captions a sample is an image.
    """

    encoder: CaptionEncoder
    features: Features
    images: list[str]
    owners: Ints
    targets: list[Ints]
    weights: Floats

    @property
    def lengths(self) -> Ints:
        """Steps of each sample, [n], its end mark included; 1 without captions."""
        if not self.targets:
            return np.ones(len(self.owners), dtype=np.int64)
        return np.array([len(each) + 1 for each in self.targets], dtype=np.int64)

    def batch(self, numbers: Ints) -> Batch:
        """Return the samples with these numbers, padded."""
        inputs = self.inputs(self.owners[numbers])
        if not self.targets:
            return inputs
        targets = [self.targets[i].tolist() for i in numbers.tolist()]
        read, _ = pad_numbers([[BEGIN, *each] for each in targets])
        wanted, _ = pad_numbers([[*each, END] for each in targets])
        return Batch(inputs.places, inputs.whole, read, wanted, self.weights[numbers])

    def inputs(self, rows: Ints) -> Batch:
        """Return the features of the images with these numbers, scaled."""
        images = [self.images[row] for row in rows.tolist()]
        found: dict[Key, Floats | None] = {PLACES: None, WHOLE: None}
        scales = {PLACES: self.encoder.places, WHOLE: self.encoder.whole}
        for key, table in self.features.tables.items():
            scale = scales[key]
            assert scale is not None
            found[key] = scale.apply(table.take(images))
        return Batch(found[PLACES], found[WHOLE])


def fit_encoder(train: Captioned, text: CaptionText, power: float) -> CaptionEncoder:
    """Fit tokens and scales on the training images; `text` is decided."""
    scales = {key: Scale.fit(t, train.images) for key, t in train.features.tables.items()}
    plain: list[str] = train.captions
    if text.plain:
        plain = [" ".join(caption_words(each)) for each in plain]
    coder = _coder(plain, text.tokens, text)
    places, whole = scales.get(PLACES), scales.get(WHOLE)
    return CaptionEncoder(coder, text.max_length, text.plain, places, whole, power)


def _coder(texts: Iterable[str], kind: TokenKind, text: CaptionText) -> TextCoder:
    return TextCoder.fit(texts, kind, text.size, text.min_count or 1)


def encode(encoder: CaptionEncoder, samples: Captioned) -> CaptionArrays:
    """Return a sample for each caption; raises `DataError` for features of another network."""
    check_features(encoder, samples)
    counts = [len(texts) for texts in samples.references or [()] * len(samples)]
    owners = np.repeat(np.arange(len(samples)), counts if samples.references else 1)
    targets = [encoder.numbers(text) for text in samples.captions]
    weights = _weights(samples, encoder.agreement)
    return CaptionArrays(encoder, samples.features, samples.images, owners, targets, weights)


def _weights(samples: Captioned, power: float) -> Floats:
    """Weights of all captions: their agreement with those of the same image, 1 in the mean."""
    if not power or not samples.references:
        return np.ones(len(samples.captions), dtype=np.float32)
    found = np.concatenate([agreement(texts) for texts in samples.references]) ** power
    scaled: Floats = (found / max(found.mean(), 1e-6)).astype(np.float32)
    return scaled


def check_features(encoder: CaptionEncoder, samples: Captioned) -> None:
    """Raise `DataError` if the samples' features are not by the network of the run's features."""
    known = {PLACES: encoder.places, WHOLE: encoder.whole}
    for key, scale in known.items():
        table = samples.features.tables.get(key)
        if scale is None and table is None:
            continue
        where = f"{samples.name}: features of {key[0]} ({key[1]})"
        if scale is None or table is None:
            has, given = ("has", "none are given") if table is None else ("has not", "they are")
            raise DataError(f"{where}: the run {has} them, and {given}; give the same kinds")
        if table.shape != scale.shape:
            raise DataError(
                f"{where}: the shape is {list(table.shape)}, the run's is {list(scale.shape)}; "
                "make them by the same network"
            )
        if table.encoder != scale.encoder:
            raise DataError(
                f"{where}: they are by another network, or in another scale, than the run's "
                f"({table.encoder} and {scale.encoder}, of all the file says of it); make them as "
                "the run's were made"
            )

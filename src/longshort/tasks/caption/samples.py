"""Images with their captions, and the features of these images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.errors import DataError
from longshort.tasks.caption.features import PLACES, WHOLE, Features, table_of


@dataclass(frozen=True)
class Captioned:
    """Images by name, each with all of its captions, in parallel lists."""

    name: str
    """Name of the source in messages."""
    images: list[str]
    references: list[tuple[str, ...]] | None
    """All captions of each image; None where there are none to compare with."""
    places: list[str]
    """Place of each image's first caption, such as "line 17"."""
    features: Features
    splits: list[str] | None = None
    """The split of each image ("train", "val" or "test"), where the source says so."""
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def strata(self) -> None:
        """Images have no labels by which splits could be stratified."""
        return None

    @property
    def captions(self) -> list[str]:
        """All captions, image by image."""
        return [text for texts in self.references or [] for text in texts]

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Captioned:
        """Return the images with these numbers, in this order."""
        chosen = [int(i) for i in indices]
        references, splits = self.references, self.splits
        return replace(
            self,
            images=[self.images[i] for i in chosen],
            references=None if references is None else [references[i] for i in chosen],
            places=[self.places[i] for i in chosen],
            splits=None if splits is None else [splits[i] for i in chosen],
        )

    def by_split(self) -> dict[str, Captioned]:
        """Return the images of each split that the source names; "train" has to be one of them."""
        parts = np.array(self.splits or [])
        if "train" not in parts:
            raise DataError(
                f"{self.name}: no image is in the split 'train' (there are "
                f"{', '.join(sorted(set(parts.tolist())))}); give the training images too"
            )
        return {
            part: self.take(np.flatnonzero(parts == part)) for part in np.unique(parts).tolist()
        }

    def keys(self) -> list[bytes]:
        """Return a key for each image, equal for equal features."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        return [self.features.key(image) for image in self.images]

    def digest(self) -> str:
        """Return a digest of names, captions, features and order."""
        found = hashlib.sha256()
        references: list[tuple[str, ...]] = self.references or [()] * len(self)
        for image, texts, key in zip(self.images, references, self.keys(), strict=True):
            found.update("\0".join([image, *texts]).encode() + b"\0\0" + key)
        return found.hexdigest()


def captioned_of(
    features: Any, captions: Iterable[str | Sequence[str]] | None = None, whole: Any = None
) -> Captioned:
    """Make images of arrays: features [n, places, size], or [n, size] of whole images alone.

    captions: for each image a text or several; None for images to be captioned. whole: [n, size].
    features and whole may be mappings from images' names to arrays, as captions may then be from
    names to texts. Raises `DataError`.
    """
    names = list(features) if isinstance(features, Mapping) else None
    main = _stacked(features, names, "features")
    images = names or [f"image {i}" for i in range(len(main))]
    key = PLACES if main.ndim == 3 else WHOLE
    if whole is not None and key == WHOLE:
        raise DataError(
            "whole: comes beside features of places, [n, places, size]; features are "
            f"{list(main.shape)} already"
        )
    table, more = table_of(images, main, key), None
    if whole is not None:
        more = table_of(images, _stacked(whole, names, "whole"), WHOLE)
    bank = Features(table, more) if key == PLACES else Features(None, table)
    texts = None if captions is None else _texts(captions, images)
    return Captioned("data", images, texts, [f"item {i}" for i in range(len(images))], bank)


def _stacked(values: Any, names: list[str] | None, owner: str) -> NDArray[Any]:
    if names is not None and not isinstance(values, Mapping):
        raise DataError(f"{owner}: a mapping by image is expected, as features are one")
    try:
        chosen = values if names is None else [values[name] for name in names]
        return np.asarray(chosen)
    except KeyError as error:
        raise DataError(f"{owner}: the image {error} is missing; features have it") from None
    except ValueError as error:
        raise DataError(f"{owner}: arrays of one shape are expected ({error})") from None


def _texts(captions: Any, images: list[str]) -> list[tuple[str, ...]]:
    if isinstance(captions, Mapping):
        lost = next((image for image in images if image not in captions), None)
        if lost is not None:
            raise DataError(f"captions: the image {lost!r} has none; give at least one")
        captions = [captions[image] for image in images]
    if isinstance(captions, str) or len(captions) != len(images):
        raise DataError(
            f"captions: a text or a list of texts for each of {len(images):,} images is expected, "
            f"got {len(captions):,}"
        )
    return [_several(each, f"captions of {image!r}") for each, image in
            zip(captions, images, strict=True)]  # fmt: skip


def _several(given: object, where: str) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else given
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{where}: a text or a list of texts is expected, got {given!r}")
    full = tuple(text for text in texts if text.strip())
    if not full:
        raise DataError(f"{where}: all are empty; give at least one text")
    return full

"""Utterances: features of what was said, and the text of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.errors import DataError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Utterances:
    """Utterances in parallel lists.

    items: features [T, F]; files: name of each; texts: what is said, None where that is not known;
    speakers, splits: of each, where the source says so; rate: samples a second of the recordings,
    None for features that were given.
    """

    name: str
    items: list[Floats]
    files: list[str]
    texts: list[str] | None
    places: list[str]
    speakers: list[str] | None = None
    splits: list[str] | None = None
    rate: int | None = None
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    @property
    def strata(self) -> None:
        """Utterances have no labels by which splits could be stratified."""
        return None

    @property
    def width(self) -> int:
        """Numbers of a frame."""
        return int(self.items[0].shape[1])

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Utterances:
        """Return the utterances with these numbers, in this order."""
        chosen = [int(i) for i in indices]

        def some(values: list[Any] | None) -> Any:
            return None if values is None else [values[i] for i in chosen]

        return replace(
            self,
            items=some(self.items),
            files=some(self.files),
            texts=some(self.texts),
            places=some(self.places),
            speakers=some(self.speakers),
            splits=some(self.splits),
        )

    def by_split(self) -> dict[str, Utterances]:
        """Return the utterances of each split that the source names; empty where it names none."""
        if self.splits is None:
            return {}
        parts = np.array(self.splits)
        if "train" not in parts:
            raise DataError(f"{self.name}: no utterance is in the split 'train'")
        return {part: self.take(np.flatnonzero(parts == part)) for part in sorted(set(self.splits))}

    def keys(self) -> list[bytes]:
        """Return a key for each utterance, equal for equal features."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        return [hashlib.sha256(item.tobytes()).digest() for item in self.items]

    def digest(self) -> str:
        """Return a digest of features, texts and order."""
        found = hashlib.sha256()
        for key, text in zip(self.keys(), self.texts or [""] * len(self), strict=True):
            found.update(key + text.encode() + b"\0")
        return found.hexdigest()


def utterances_of(features: Any, texts: Sequence[str] | None = None) -> Utterances:
    """Make utterances of arrays [frames, size], with the text of each.

    texts: None for utterances that are to be transcribed. Raises `DataError`.
    """
    items = [checked(each, f"features[{i}]") for i, each in enumerate(features)]
    if not items:
        raise DataError("features: at least one array [frames, size] is expected, got none")
    if texts is not None and (isinstance(texts, str) or len(texts) != len(items)):
        raise DataError(
            f"texts: a text for each of the {len(items):,} arrays is expected, got {len(texts):,}"
        )
    names = [f"item {i}" for i in range(len(items))]
    found = Utterances("data", items, names, None if texts is None else list(texts), names)
    return of_one_width(found)


def checked(values: Any, place: str) -> Floats:
    """Return features as float32 [T, F]; a `DataError` names the place of what is none."""
    try:
        found = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"{place}: numbers [frames, size] are expected") from None
    if found.ndim != 2 or not found.size:
        raise DataError(
            f"{place}: an array [frames, size] is expected, got the shape {list(found.shape)}"
        )
    wrong = np.flatnonzero(~np.isfinite(found).all(1))
    if wrong.size:
        raise DataError(f"{place}: frame {wrong[0]} holds a number that is not finite")
    return np.ascontiguousarray(found)


def of_one_width(found: Utterances) -> Utterances:
    """Return the utterances; raises `DataError` if their frames have different sizes."""
    for item, file in zip(found.items, found.files, strict=True):
        if item.shape[1] != found.width:
            raise DataError(
                f"{found.name}: {file}: {item.shape[1]} numbers a frame, and {found.files[0]} has "
                f"{found.width}; make all features in one way"
            )
    return found

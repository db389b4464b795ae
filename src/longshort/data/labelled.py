"""Sequences with labels, as a file or a program gives them: texts, or arrays of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

Item = str | NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """Parallel sequences; all items are texts, or all are arrays [T, F] with the same F."""

    name: str
    """What the source is called in messages."""
    items: list[Item]
    labels: list[str] | None
    places: list[str]
    """How a person finds each item in the source, such as "line 17"."""
    path: str | None = None
    sha256: str | None = None
    features: tuple[str, ...] = ()
    """Names of the values of a step, where the source has them."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def is_text(self) -> bool:
        """Whether items are texts."""
        return not self.items or isinstance(self.items[0], str)

    @property
    def width(self) -> int:
        """Values of a step; 0 for texts."""
        first = self.items[0] if self.items else ""
        return 0 if isinstance(first, str) else int(first.shape[1])

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Examples:
        """The examples at these places, in their order."""
        chosen = [int(i) for i in indices]
        return Examples(
            self.name,
            [self.items[i] for i in chosen],
            None if self.labels is None else [self.labels[i] for i in chosen],
            [self.places[i] for i in chosen],
            self.path,
            self.sha256,
            self.features,
        )

    def keys(self) -> list[bytes]:
        """One for each item; equal for items of equal content, but for white space."""
        return [_key(item) for item in self.items]

    def digest(self) -> str:
        """Of content, labels and order."""
        found = hashlib.sha256()
        for item, label in zip(self.items, self.labels or [""] * len(self), strict=True):
            found.update(_raw(item))
            found.update(b"\0" + label.encode() + b"\0")
        return found.hexdigest()


def examples_of(
    items: Sequence[Any] | NDArray[Any], labels: Sequence[Any] | None = None
) -> Examples:
    """Texts, or arrays [T, F] (also one array [N, T, F]), given in Python.

    Raises `DataError` for what is neither, and where items and labels are not as many.
    """
    if isinstance(items, str):
        raise DataError("data: a list of texts is expected, got one text; put it into a list")
    if labels is not None and len(labels) != len(items):
        raise DataError(f"data: {len(items):,} items and {len(labels):,} labels are not as many")
    places = [f"item {i}" for i in range(len(items))]
    found: list[Item] = [_item(place, each) for place, each in zip(places, items, strict=True)]
    for place, item in zip(places, found, strict=True):
        if isinstance(item, str) != isinstance(found[0], str):
            raise DataError(f"{place}: texts and arrays are mixed")
        if not isinstance(item, str) and item.shape[1] != np.shape(found[0])[1]:
            raise DataError(
                f"{place}: has {item.shape[1]} values a step, item 0 has {np.shape(found[0])[1]}"
            )
    names = None if labels is None else [str(label) for label in labels]
    return Examples("data", found, names, places)


def _item(place: str, item: Any) -> Item:
    if isinstance(item, str):
        return item
    try:
        values = np.asarray(item, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(
            f"{place}: a text or an array [T, F] is expected, got {type(item).__name__}"
        ) from None
    if item is None or values.ndim == 0:
        raise DataError(
            f"{place}: a text or an array [T, F] is expected, got {type(item).__name__}"
        )
    if values.ndim != 2 or not values.size:
        raise DataError(f"{place}: an array [T, F] is expected, got the shape {values.shape}")
    if not np.isfinite(values).all():
        step, channel = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"{place}: step {step}, channel {channel} is {values[step, channel]}")
    return values


def _raw(item: Item) -> bytes:
    if isinstance(item, str):
        return item.encode("utf-8", "surrogatepass")
    return str(item.shape).encode() + np.ascontiguousarray(item).tobytes()


def _key(item: Item) -> bytes:
    content = " ".join(item.split()) if isinstance(item, str) else item
    return hashlib.sha256(_raw(content)).digest()

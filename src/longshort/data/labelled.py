"""Sequences with labels, as a file or a program gives them: texts, or arrays of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def _raw(item: Item) -> bytes:
    if isinstance(item, str):
        return item.encode("utf-8", "surrogatepass")
    return str(item.shape).encode() + np.ascontiguousarray(item).tobytes()


def _key(item: Item) -> bytes:
    content = " ".join(item.split()) if isinstance(item, str) else item
    return hashlib.sha256(_raw(content)).digest()

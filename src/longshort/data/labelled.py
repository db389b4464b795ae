"""Sequences with labels, as a file or a program gives them: texts, or arrays of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.labels import are_whole, label_names
from longshort.data.textfiles import well_formed
from longshort.errors import DataError

Item = str | NDArray[Any]
"""A text, or finite numbers [T, F] in the type that they came in, so that nothing is lost before
they are scaled."""


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
    read_as: dict[str, str] = field(default_factory=dict)
    """What its reader found out: settings of `data` such as format, text and label."""
    has_whole_labels: bool = False
    """Whether they came as numbers, and not as texts."""

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

    def channel(self, step: int, channel: int) -> str:
        """How a person finds a value of a sequence."""
        name = repr(self.features[channel]) if self.features else str(channel)
        return f"step {step}, channel {name}"

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Examples:
        """The examples at these places, in their order."""
        chosen = [int(i) for i in indices]
        return replace(
            self,
            items=[self.items[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            places=[self.places[i] for i in chosen],
        )

    def keys(self) -> list[bytes]:
        """One for each item; equal for items of equal content, but for white space and case."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        return [_key(item) for item in self.items]

    def digest(self) -> str:
        """Of content, labels and order."""
        found = hashlib.sha256()
        for item, label in zip(self.items, self.labels or [""] * len(self), strict=True):
            found.update(_content(item))
            found.update(b"\0" + label.encode() + b"\0")
        return found.hexdigest()


def examples_of(items: Iterable[Any], labels: Iterable[Any] | None = None) -> Examples:
    """Texts, or arrays [T, F] (also one array [N, T, F]), given in Python.

    Raises `DataError` for what is neither, and where items and labels are not as many.
    """
    if isinstance(items, str):
        raise DataError("data: a list of texts is expected, got one text; put it into a list")
    listed = _listed(items, "data", "texts or arrays [T, F]")
    names = None if labels is None else _listed(labels, "labels", "labels")
    if names is not None and len(names) != len(listed):
        raise DataError(f"data: {len(listed):,} items and {len(names):,} labels are not as many")
    places = [f"item {i}" for i in range(len(listed))]
    found: list[Item] = [_item(place, each) for place, each in zip(places, listed, strict=True)]
    for place, item in zip(places, found, strict=True):
        if isinstance(item, str) != isinstance(found[0], str):
            raise DataError(f"{place}: texts and arrays are mixed")
        if not isinstance(item, str) and item.shape[1] != np.shape(found[0])[1]:
            raise DataError(
                f"{place}: has {item.shape[1]} values a step, item 0 has {np.shape(found[0])[1]}"
            )
    examples = Examples("data", found, None, places)
    if names is not None:
        written = label_names(names, places, "labels")
        examples = replace(examples, labels=written, has_whole_labels=are_whole(names))
    return checked(examples)


def checked(examples: Examples) -> Examples:
    """The examples; raises `DataError` for NaN and infinity, and for texts that are none."""
    for place, item in zip(examples.places, examples.items, strict=True):
        if isinstance(item, str):
            well_formed(item, f"{examples.name}: {place}")
        else:
            at = first_not_finite(item)
            if at is not None:
                raise DataError(
                    f"{examples.name}: {place}, {examples.channel(*at)}: {item[at]} is not a "
                    "finite number; fill it in, or leave the sequence out"
                )
    return examples


def first_not_finite(values: NDArray[Any]) -> tuple[int, int] | None:
    """Step and channel of the first NaN or infinity in values [T, F]."""
    bad = ~np.isfinite(values)
    if not bad.any():
        return None
    step, channel = np.argwhere(bad)[0]
    return int(step), int(channel)


def _listed(values: Iterable[Any], name: str, what: str) -> list[Any]:
    try:
        return list(values)
    except TypeError:
        raise DataError(
            f"{name}: a list of {what} is expected, got {type(values).__name__}"
        ) from None


def _item(place: str, item: Any) -> Item:
    if isinstance(item, str):
        return item
    try:
        values = np.asarray(item)
    except (TypeError, ValueError, RuntimeError):  # ragged, or a tensor that NumPy cannot take
        values = np.asarray(None)
    if values.dtype.kind not in "fiub" or values.ndim == 0:
        raise DataError(
            f"{place}: a text or an array [T, F] of numbers is expected, got {type(item).__name__}"
        )
    if values.ndim != 2 or not values.size:
        raise DataError(f"{place}: an array [T, F] is expected, got the shape {values.shape}")
    return values


def _content(item: Item) -> bytes:
    """Equal for equal numbers, whatever their type."""
    if isinstance(item, str):
        return item.encode()
    return str(item.shape).encode() + np.ascontiguousarray(item, dtype=np.float64).tobytes()


def _key(item: Item) -> bytes:
    content = " ".join(item.lower().split()) if isinstance(item, str) else item
    return hashlib.sha256(_content(content)).digest()

"""Labelled sequences in memory: texts, or arrays of numbers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.sequences import Axes
from longshort.data.audio.samples import Sounds
from longshort.data.axes import oriented
from longshort.data.findings import Finding
from longshort.data.gaps import POLICY, fill_gaps
from longshort.data.label_sets import LabelSet, LabelSets, label_sets, parted
from longshort.data.labels import (
    LabelDtype,
    LabelKind,
    dtype_of_labels,
    kind_of_labels,
    label_names,
)
from longshort.data.sources import is_frame
from longshort.data.textfiles import well_formed
from longshort.errors import DataError

Item = str | NDArray[Any]
"""A text, or finite numbers [T, F] in their original dtype, so that scaling loses no precision."""


@dataclass(frozen=True)
class Examples:
    """Samples in parallel lists; items are all texts, or all arrays [T, F] with the same F."""

    name: str
    """Name of the source in messages."""
    items: list[Item]
    labels: list[str] | None
    """One for each item; where there may be several, those of an item joined by `separator`."""
    places: list[str]
    """Place of each item in the source for people, such as "line 17"."""
    path: str | None = None
    sha256: str | None = None
    features: tuple[str, ...] = ()
    """Names of the channels, where the source has them."""
    read_as: Mapping[str, object] = field(default_factory=dict)
    """Settings of `data` that reading detected, such as format, text and label."""
    label_kind: LabelKind = "text"
    """Type of the labels as they were given."""
    findings: tuple[Finding, ...] = ()
    """Findings of reading."""
    separator: str | None = None
    """Delimiter of the labels of an item; None where each has exactly one."""
    label_dtype: LabelDtype | None = None
    """Dtype of the labels, where they were given as an array, a column or a tensor."""
    groups: list[str] | None = None
    """What each item belongs to, such as a person; None where nothing says so."""
    sounds: Sounds | None = None
    """The recordings whose features the items are."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def label_sets(self) -> list[tuple[str, ...]]:
        """The labels of each item, in order; [] where the source has none."""
        if self.separator is None:
            return [(label,) for label in self.labels or []]
        return [parted(joined, self.separator) for joined in self.labels or []]

    @property
    def strata(self) -> list[str] | None:
        """The label of each item; of several the rarest one, so that splits share rare labels."""
        if self.labels is None or self.separator is None:
            return self.labels
        sets = self.label_sets
        counts = Counter(label for each in sets for label in each)
        return [min(each, key=lambda label: (counts[label], label), default="") for each in sets]

    def with_sets(self, sets: LabelSets, fix: str = "") -> Examples:
        """The same with several labels for each item, or none, and that said.

        fix: what to do where that is wrong.
        """
        read = {"multi_label": True, "label_separator": sets.separator}
        return replace(
            self,
            labels=sets.joined,
            label_kind=sets.kind,
            separator=sets.separator,
            read_as={**self.read_as, **read},
            findings=(*self.findings, sets.note(self.name, fix)),
        )

    @property
    def is_text(self) -> bool:
        """Whether items are texts."""
        return not self.items or isinstance(self.items[0], str)

    @property
    def width(self) -> int:
        """Number of channels; 0 for texts."""
        first = self.items[0] if self.items else ""
        return 0 if isinstance(first, str) else int(first.shape[1])

    def channel(self, step: int, channel: int) -> str:
        """Return the place of a value in a sequence, for people."""
        return f"step {step}, channel {self.channel_name(channel)}"

    def channel_name(self, channel: int) -> str:
        """Return a channel's name in quotes, or its number where it has no name."""
        return repr(self.features[channel]) if self.features else str(channel)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Examples:
        """Return the samples with these numbers, in this order."""
        chosen = [int(i) for i in indices]
        return replace(
            self,
            items=[self.items[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
            places=[self.places[i] for i in chosen],
            groups=None if self.groups is None else [self.groups[i] for i in chosen],
            sounds=None if self.sounds is None else self.sounds.take(chosen),
        )

    def keys(self) -> list[bytes]:
        """Return a key for each item; equal for equal content, ignoring white space and case."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        return [_key(item) for item in self.items]

    def digest(self) -> str:
        """Return a digest of content, labels and order."""
        found = hashlib.sha256()
        for item, label in zip(self.items, self.labels or [""] * len(self), strict=True):
            found.update(_content(item))
            found.update(b"\0" + label.encode() + b"\0")
        for group in self.groups or ():
            found.update(group.encode() + b"\0")
        return found.hexdigest()


def examples_of(
    items: Iterable[Any], labels: Iterable[Any] | None = None, axes: Axes | None = None
) -> Examples:
    """Make samples of data in memory.

    items: texts, arrays [T, F] or [T], one array [N, T, F] or [N, T], or a frame [N, T]; labels:
    one or a `LabelSet` for each item. axes: "NCT" for arrays [F, T] and [N, F, T]. Raises
    `DataError` for other types, and if the numbers of items and labels differ.
    """
    if isinstance(items, str):
        raise DataError("data: a list of texts is expected, got one text; put it into a list")
    listed = _listed(
        _without_frame(items) if is_frame(items) else items, "data", "texts or arrays [T, F]"
    )
    given = None if labels is None else _column(labels)
    names = None if given is None else _listed(given, "labels", "labels")
    if names is not None and len(names) != len(listed):
        raise DataError(f"data: {len(listed):,} items and {len(names):,} labels are not as many")
    places = [f"item {i}" for i in range(len(listed))]
    found = [_item(place, each) for place, each in zip(places, listed, strict=True)]
    examples = _of_one_kind(found, places, axes)
    if names is not None and any(isinstance(each, LabelSet) for each in names):
        examples = examples.with_sets(label_sets(names, places, "labels", None))
    elif names is not None:
        written = label_names(names, places, "labels")
        kind, dtype = kind_of_labels(names), dtype_of_labels(given)
        examples = replace(examples, labels=written, label_kind=kind, label_dtype=dtype)
    return checked(examples)


def _of_one_kind(items: list[Item], places: list[str], axes: Axes | None) -> Examples:
    """Make samples; raises `DataError` for mixed types and for different numbers of channels."""
    arrays = [item for item in items if not isinstance(item, str)]
    if not arrays:
        return Examples("data", items, None, places)
    if len(arrays) < len(items):
        other = next(i for i, item in enumerate(items) if isinstance(item, str) != (
            isinstance(items[0], str)))  # fmt: skip
        raise DataError(f"{places[other]}: texts and arrays are mixed")
    found, read_as, findings = oriented("data", arrays, axes)
    width = found[0].shape[-1]
    for place, item in zip(places, found, strict=True):
        if item.ndim != 2 or item.shape[1] != width:
            alike = len({array.shape[0] for array in arrays}) == 1
            hint = "; if the first axis holds the channels, say axes='NCT'" if alike else ""
            raise DataError(
                f"{place}: has {item.shape[-1]} values a step, item 0 has {width}{hint}"
            )
    return Examples("data", list(found), None, places, read_as=read_as, findings=findings)


def checked(examples: Examples) -> Examples:
    """Fill in missing numbers, and add a finding about them.

    Raises `DataError` for infinity, channels without any value, and texts that are not strings.
    """
    if examples.is_text:
        for place, item in zip(examples.places, examples.items, strict=True):
            well_formed(str(item), f"{examples.name}: {place}")
        return examples
    items: list[Item] = []
    gaps: list[tuple[str, int]] = []
    for place, item in zip(examples.places, examples.items, strict=True):
        filled, count = fill_gaps(np.asarray(item))
        at = first_not_finite(filled)
        if at is not None:
            raise DataError(
                f"{examples.name}: {place}, {_not_finite(examples, filled, at)}; fill it in, or "
                "leave the sequence out"
            )
        items.append(filled)
        gaps += [(place, count)] if count else []
    if not gaps:
        return examples
    return replace(examples, items=items, findings=(*examples.findings, _filled(examples, gaps)))


def _not_finite(examples: Examples, values: NDArray[Any], at: tuple[int, int]) -> str:
    """Return the message on a value that is not finite; NaN remains only in empty channels."""
    if np.isnan(values[at]):
        return f"channel {examples.channel_name(at[1])}: no value of the channel is known"
    return f"{examples.channel(*at)}: {values[at]} is not a finite number"


def _filled(examples: Examples, gaps: list[tuple[str, int]]) -> Finding:
    total = sum(np.size(item) for item in examples.items)
    count = sum(n for _, n in gaps)
    return Finding(
        "missing",
        "note",
        f"{examples.name}: {count:,} of {total:,} values are missing, in {len(gaps):,} of "
        f"{len(examples):,} sequences; {POLICY}",
        tuple(f"{place}: {n:,}" for place, n in gaps[:5]),
        "fill them in yourself if you know better",
    )


def first_not_finite(values: NDArray[Any]) -> tuple[int, int] | None:
    """Return step and channel of the first NaN or infinity in values [T, F], or None."""
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


def _without_frame(items: Any) -> Any:
    """Return a frame's numeric rows [N, T], or its only column."""
    if len(items.columns) == 1:
        return _column(items)
    rows = np.asarray(items.to_numpy())
    if rows.dtype.kind not in "fiub":
        raise DataError(
            f"data: a frame of {len(items.columns)} columns that are not all numbers is no list of "
            "examples; give its column of texts, or the frame without labels= and name its columns "
            "with text= and label="
        )
    return rows


def _column(values: Any) -> Any:
    """Return the only column of a frame or of an array [N, 1]; other values are unchanged."""
    if not is_frame(values):
        is_column = getattr(values, "ndim", 0) == 2 and values.shape[1] == 1
        return values[:, 0] if is_column else values
    if len(values.columns) != 1:
        raise DataError(f"labels: one column is expected, got {len(values.columns)}")
    return values[next(iter(values.columns))]


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
    if values.ndim > 4 or not values.size:
        raise DataError(
            f"{place}: an array [T, F] or [T], or pictures [T, Y, X] or [T, Y, X, C], is expected, "
            f"got the shape {values.shape}"
        )
    return values


def _content(item: Item) -> bytes:
    """Return bytes that are equal for equal numbers, whatever their dtype."""
    if isinstance(item, str):
        return item.encode()
    return str(item.shape).encode() + np.ascontiguousarray(item, dtype=np.float64).tobytes()


def _key(item: Item) -> bytes:
    content = " ".join(item.lower().split()) if isinstance(item, str) else item
    return hashlib.sha256(_content(content)).digest()

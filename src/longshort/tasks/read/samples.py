"""Lines to be read: pictures or pen strokes, with their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.strokes.ink import Ink
from longshort.errors import DataError
from longshort.tasks.read.ink import Line, Pixels
from longshort.tasks.read.looks import Look, look_of

Kind = Literal["pictures", "strokes"]


@dataclass(frozen=True)
class Lines:
    """Lines in parallel lists.

    name: the source in messages. inputs: the ink of each line, as pixels [height, width] or as
    strokes. texts: what stands there, normalised; None where that is not known. places: of each
    line in the source, such as the path of its picture. looks: what was seen of each picture; empty
    for strokes. groups: what must not stand in two splits, such as writers; splits: "train", "val"
    or "test" of each; both where the source says so.
    """

    name: str
    kind: Kind
    inputs: list[Pixels] | list[Ink]
    texts: list[str] | None
    places: list[str]
    looks: list[Look]
    groups: list[str] | None = None
    splits: list[str] | None = None
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.places)

    @property
    def strata(self) -> None:
        """Lines have no labels by which splits could be stratified."""
        return None

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Lines:
        """Return the lines with these numbers, in this order."""
        chosen = [int(i) for i in indices]
        lists = ("inputs", "texts", "places", "looks", "groups", "splits")
        parts = {name: getattr(self, name) for name in lists}
        taken: dict[str, Any] = {
            name: [part[i] for i in chosen] for name, part in parts.items() if part
        }
        return replace(self, **taken)

    def by_split(self) -> dict[str, Lines]:
        """Return the lines of each split that the source names; "train" has to be one of them."""
        parts = np.array(self.splits or [])
        if "train" not in parts:
            raise DataError(
                f"{self.name}: no line is in the split 'train' (there are "
                f"{', '.join(sorted(set(parts.tolist())))}); give the training lines too"
            )
        return {
            part: self.take(np.flatnonzero(parts == part)) for part in np.unique(parts).tolist()
        }

    def keys(self) -> list[bytes]:
        """Return a key for each line, equal for equal ink."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        return [_key(each) for each in self.inputs]

    def digest(self) -> str:
        """Return a digest of ink, texts and order."""
        found = hashlib.sha256()
        for text, key in zip(self.texts or [""] * len(self), self.keys(), strict=True):
            found.update(text.encode() + b"\0" + key)
        return found.hexdigest()


def _key(ink: Pixels | Ink) -> bytes:
    if isinstance(ink, Ink):
        return ink.digest()
    return hashlib.sha256(str(ink.shape).encode() + ink.tobytes()).digest()


def lines_of_pictures(
    name: str, found: Sequence[Line], texts: list[str] | None, places: list[str], **more: Any
) -> Lines:
    """Make lines of the ink of pictures; more: further fields of `Lines`."""
    inputs = [each.pixels for each in found]
    return Lines(name, "pictures", inputs, texts, places, [look_of(each) for each in found], **more)

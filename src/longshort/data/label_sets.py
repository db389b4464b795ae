"""Sets of labels: reading several labels of an example from one text, and writing them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.data.findings import Finding
from longshort.data.labels import LabelKind, is_missing, kind_of_labels, label_names, refuse_values
from longshort.data.sources import is_frame
from longshort.errors import DataError

SEPARATORS = ("|", ";", ",")
"""Looked for in this order; a comma may stand within a name that `|` divides."""
_UNUSUAL = "\x1f"
"""ASCII's unit separator, for lists whose names hold all the usual ones."""
_SHOWN = 5


class LabelSet(tuple[object, ...]):
    """The labels of one example, as a program gives them."""


@dataclass(frozen=True)
class LabelSets:
    """The labels of n examples.

    joined [n]: those of each example, each once and in alphabetical order, with `separator` between
    them; an empty text where there are none. kind: as what the single labels came.
    """

    joined: list[str]
    separator: str
    kind: LabelKind

    def note(self, name: str, fix: str) -> Finding:
        """What was understood of the source of this name; fix: what to do where it is wrong."""
        sets = [parted(each, self.separator) for each in self.joined]
        kinds = sorted({label for each in sets for label in each})
        empty = sum(not each for each in sets)
        mark = "white space" if self.separator == " " else repr(self.separator)
        return Finding(
            "multi-label",
            "note",
            f"{name}: an example may have several labels, divided by {mark}: {len(kinds):,} labels "
            f"in {len(sets):,} examples, {sum(map(len, sets)) / max(1, len(sets)):.2f} each in the "
            f"mean, {empty:,} without any",
            tuple(kinds[:_SHOWN]),
            fix,
        )


def parted(joined: str, separator: str) -> tuple[str, ...]:
    """The labels of an example that `LabelSets` joined."""
    return tuple(joined.split(separator)) if joined else ()


def label_sets(
    cells: Sequence[object], places: Sequence[str], owner: str, separator: str | None
) -> LabelSets:
    """Labels from lists of them, or from texts that `separator` divides; a missing cell is none.

    separator: found in the texts when None. places: how a person finds each cell in `owner`. Raises
    `DataError` for a label within a list that is missing, or no name and no whole number.
    """
    if any(_is_list(cell) for cell in cells):
        parts = [_listed(cell) for cell in cells]
        separator = None
    else:
        texts = [("" if is_missing(cell) else str(cell)).strip() for cell in cells]
        _refuse_written_lists(texts, places, owner)
        separator = separator or _found(texts)
        parts = [_cut(text, separator) for text in texts]
    names = [
        sorted(set(label_names(each, [place] * len(each), owner)))
        for each, place in zip(parts, places, strict=True)
    ]
    flat = [label for each in parts for label in each]
    kind = kind_of_labels(flat)
    where = [place for each, place in zip(parts, places, strict=True) for _ in each]
    written = label_names(flat, where, owner) if kind == "values" else []
    refuse_values(written, kind, where, owner)
    chosen = separator or _free({name for each in names for name in each})
    return LabelSets([chosen.join(each) for each in names], chosen, kind)


def as_sets(labels: Any) -> Any:
    """Labels of a program: where examples have lists of them, each list as a `LabelSet`.

    A matrix [n, K] of 0 and 1 says which of K labels each example has; they are called by its
    columns' names, or 0 to K - 1. Anything else is returned as it is. Raises `DataError` where
    lists and single labels are mixed, and for a matrix that says one label of each example.
    """
    matrix = _indicator(labels)
    if matrix is not None:
        return matrix
    if not isinstance(labels, Iterable) or isinstance(labels, str) or is_frame(labels):
        return labels
    if getattr(getattr(labels, "dtype", None), "kind", "O") in "iufbUS":
        return labels
    listed = list(labels)
    if not any(_is_list(each) for each in listed):
        return labels if hasattr(labels, "dtype") else listed
    for place, each in enumerate(listed):
        if not _is_list(each):
            raise DataError(
                f"labels: item {place}: a list is expected, as other items have one, got {each!r}; "
                f"write [{each!r}], or [] for no label"
            )
    return [LabelSet(_listed(each)) for each in listed]


def _indicator(labels: Any) -> list[LabelSet] | None:
    """The sets of a matrix [n, K] of 0 and 1, K over 1; None for anything else."""
    if not is_frame(labels) and getattr(labels, "ndim", 0) != 2:
        return None
    table = np.asarray(labels.to_numpy() if is_frame(labels) else labels)
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind not in "iufb":
        return None
    if not np.isin(table, (0, 1)).all():
        return None
    if (table.sum(1) == 1).all():
        raise DataError(
            "labels: a matrix with a single 1 in every row says one label each; give its number or "
            "name for each item, such as labels.argmax(1), or lists [[...], ...] if there may be "
            "several"
        )
    names = [str(name) for name in labels.columns] if is_frame(labels) else range(table.shape[1])
    return [LabelSet(name for name, here in zip(names, row, strict=True) if here) for row in table]


def _is_list(cell: object) -> bool:
    is_array = isinstance(cell, np.ndarray) and cell.ndim == 1
    return is_array or isinstance(cell, (list, tuple, set, frozenset))


def _listed(cell: Any) -> list[object]:
    if _is_list(cell):
        return list(cell)
    return [] if is_missing(cell) else [cell]


def _found(texts: Sequence[str]) -> str:
    """What divides the labels: a usual mark, or white space where words repeat more than texts."""
    for mark in SEPARATORS:
        if any(mark in text for text in texts):
            return mark
    words = {word for text in texts for word in text.split()}
    return " " if len(words) < len({text for text in texts if text}) else SEPARATORS[0]


def _cut(text: str, separator: str) -> list[object]:
    parts = text.split() if separator == " " else text.split(separator)
    return [part.strip() for part in parts if part.strip()]


def _free(names: set[str]) -> str:
    """The first separator that stands in no name."""
    return next((m for m in SEPARATORS if not any(m in name for name in names)), _UNUSUAL)


def _refuse_written_lists(texts: Sequence[str], places: Sequence[str], owner: str) -> None:
    for text, place in zip(texts, places, strict=True):
        if text.startswith("[") and text.endswith("]"):
            raise DataError(
                f"{owner}: {place}: {text[:40]!r} is a list written as a text; write a|b for two "
                "labels and nothing for none, or use JSON lines or Parquet, which hold lists"
            )

"""What may be a label, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from longshort.data.textfiles import well_formed
from longshort.errors import DataError

LabelKind = Literal["text", "number", "truth", "values"]
"""As what labels came: names, whole numbers, True and False, or values: fractions, or several
numbers each."""
_MISSING = {"", "nan", "<na>", "null"}


def label_names(labels: Iterable[object], places: Sequence[str], owner: str) -> list[str]:
    """Labels as texts: without white space around them, 1.0 as 1, truths as true and false, several
    numbers apart by spaces.

    places: how a person finds each; owner: the file. Raises `DataError` for a label that is
    missing, or neither a name nor a number.
    """
    return [_name(each, f"{owner}: {place}") for each, place in zip(labels, places, strict=True)]


def kind_of_labels(labels: Iterable[object]) -> LabelKind:
    """As what all of them came; numbers of `label_names` are whole. Mixed ones are texts."""
    plain = [_plain(each) for each in labels]
    if any(_is_fraction(each) or _numbers(each) is not None for each in plain):
        return "values"
    kinds = {type(each) for each in plain}
    if kinds == {bool}:
        return "truth"
    return "number" if kinds and kinds <= {int, float} else "text"


def as_given(names: Iterable[str], kind: LabelKind) -> list[str] | list[int] | list[bool]:
    """Labels as `label_names` wrote them, in the kind in which they came."""
    if kind == "number":
        return [int(name) for name in names]
    return [name == "true" for name in names] if kind == "truth" else list(names)


def refuse_values(labels: Sequence[str], kind: LabelKind, places: Sequence[str], name: str) -> None:
    """Raise `DataError` for the first label that is no name and no whole number."""
    if kind != "values":
        return
    for label, place in zip(labels, places, strict=True):
        if " " in label:
            raise DataError(
                f"{name}: {place}: a label is a name or a whole number, got {label.count(' ') + 1} "
                "numbers; several numbers are for --task regress"
            )
        if not label.lstrip("-").isdigit():
            raise DataError(
                f"{name}: {place}: the label {label} is a fraction; classification needs names or "
                "whole numbers (a fraction that is a name is written as a text); numbers are for "
                "--task regress"
            )


def label_text(label: str | int | bool) -> str:
    """A label as `label_names` writes it."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _plain(label: Any) -> object:
    """A scalar of NumPy or torch as Python's; what is masked is missing."""
    if label is np.ma.masked:
        return None
    return label.item() if getattr(label, "ndim", None) == 0 else label


def is_missing(label: object) -> bool:
    """Whether it says that there is no label: None, NaN, an empty text, "nan", "null".

    NaT is only missing as a time that is none; as a text it is a name.
    """
    text = str(label).strip().lower()
    return label is None or text in _MISSING or (text == "nat" and not isinstance(label, str))


def _name(label: object, where: str) -> str:
    label = _plain(label)
    if isinstance(label, bytes):
        label = label.decode("utf-8", "replace")
    if is_missing(label):
        shown = f", got {label!r}" if isinstance(label, str) and label.strip() else ""
        raise DataError(
            f"{where}: the label is missing{shown}; fill it in, or leave the example out"
        )
    numbers = _numbers(label)
    if numbers is not None:
        return " ".join(repr(number) for number in numbers)
    if _is_fraction(label):
        return repr(label)
    if isinstance(label, bool):
        return label_text(label)
    if isinstance(label, (int, float)):
        return str(int(label))
    if isinstance(label, str):
        return well_formed(label.strip(), where)
    is_list = isinstance(label, (list, tuple, set, frozenset))
    more = ", or say --multi-label where an example may have several" if is_list else ""
    raise DataError(
        f"{where}: a label is a name or a whole number, got {type(label).__name__} "
        f"{str(label)[:40]}; write one of them for each example{more}"
    )


def _is_fraction(label: object) -> bool:
    return isinstance(label, float) and not label.is_integer()


def _numbers(label: object) -> list[float] | None:
    """Several numbers of one label."""
    if not isinstance(label, (list, tuple, np.ndarray)):
        return None
    values = np.asarray(label)
    if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf":
        return None
    found: list[float] = values.astype(np.float64).tolist()
    return found

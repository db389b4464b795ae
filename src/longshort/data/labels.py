"""Labels: which values are allowed, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from longshort.data.textfiles import well_formed
from longshort.errors import DataError

LabelKind = Literal["text", "number", "float", "truth", "values"]
"""Type of labels: names, integers, whole numbers that came as floats, booleans, or values, which
are fractions or vectors."""
LabelDtype = Literal[
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "object",
]
"""NumPy's name of the dtype of labels that came as an array, a column or a tensor."""
Label = str | int | float | bool
_DTYPES = {name: name for name in get_args(LabelDtype)} | {"boolean": "bool"}
_MISSING = {"", "nan", "<na>", "null"}


def label_names(labels: Iterable[object], places: Sequence[str], owner: str) -> list[str]:
    """Return labels as texts: trimmed, 1.0 as 1, booleans as true and false, vectors with spaces.

    places: place of each label for messages; owner: the file. Raises `DataError` for a label that
    is missing, or neither a name nor a number.
    """
    return [_name(each, f"{owner}: {place}") for each, place in zip(labels, places, strict=True)]


def group_names(groups: Iterable[object], places: Sequence[str], owner: str) -> list[str]:
    """Return groups as texts, as `label_names` does; raises `DataError` for a missing one."""
    return label_names(groups, [f"{place}: group" for place in places], owner)


def kind_of_labels(labels: Iterable[object]) -> LabelKind:
    """Return the common type of labels; mixed types are "text", integers among floats "number"."""
    plain = [_plain(each) for each in labels]
    if any(_is_fraction(each) or _numbers(each) is not None for each in plain):
        return "values"
    kinds = {type(each) for each in plain}
    if kinds == {bool}:
        return "truth"
    if kinds == {float}:
        return "float"
    return "number" if kinds and kinds <= {int, float} else "text"


def dtype_of_labels(labels: object) -> LabelDtype | None:
    """Return the dtype of labels in an array, a column or a tensor; None for lists and texts."""
    name = str(getattr(labels, "dtype", "")).removeprefix("torch.").lower()
    return cast(LabelDtype | None, _DTYPES.get(name))


def as_given(names: Iterable[str], kind: LabelKind) -> list[Label]:
    """Return labels that `label_names` wrote, in their original type."""
    read: dict[str, Callable[[str], Label]] = {
        "number": int,
        "float": float,
        "truth": lambda name: name == "true",
    }
    return [read.get(kind, str)(name) for name in names]


def as_array(names: Iterable[str], kind: LabelKind, dtype: LabelDtype | None) -> NDArray[Any]:
    """Return labels that `label_names` wrote as an array of their original type [n].

    dtype: None for the one that NumPy gives such values.
    """
    return np.array(as_given(names, kind), dtype=dtype)


def refuse_values(labels: Sequence[str], kind: LabelKind, places: Sequence[str], name: str) -> None:
    """Raise `DataError` for the first label that is neither a name nor a whole number."""
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


def label_text(label: object) -> str:
    """Return a label as `label_names` writes it."""
    plain = _plain(label)
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    return str(plain)


def _plain(label: Any) -> object:
    """Return a scalar of NumPy or torch as Python's; a masked value is missing."""
    if label is np.ma.masked:
        return None
    return label.item() if getattr(label, "ndim", None) == 0 else label


def is_missing(label: object) -> bool:
    """Return whether a label is missing: None, NaN, an empty text, "nan" or "null".

    "NaT" is missing as a time, but a name as a text.
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
    """Return the numbers of a label that has several; None for other labels."""
    if not isinstance(label, (list, tuple, np.ndarray)):
        return None
    values = np.asarray(label)
    if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf":
        return None
    found: list[float] = values.astype(np.float64).tolist()
    return found

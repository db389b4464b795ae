"""NumPy files with sequences [N, T, F] and their labels."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.sequences import Axes
from longshort.data.axes import oriented
from longshort.data.labelled import Examples
from longshort.data.labels import group_names, kind_of_labels, label_names
from longshort.data.textfiles import read_bytes
from longshort.errors import DataError

_ITEMS = ("x", "X", "data", "sequences")
_LABELS = ("y", "Y", "label", "labels")
_HEADS = (b"\x93NUMPY", b"PK")
"""First bytes of an array, and of an archive of arrays."""
_DAMAGED = (
    ValueError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Errors that numpy and zipfile raise for damaged files."""
Array = NDArray[Any]


def read(
    path: Path, axes: Axes | None = None, *, with_labels: bool = True, group: str | None = None
) -> Examples:
    """Read an `.npz` with the keys x and y, or `NAME.npy` with `NAME_labels.npy` beside it.

    x is [N, T, F] ([N, F, T] where `axes` is "NCT"), or [N, T] for one value a step, or of
    pictures [N, T, Y, X] or [N, T, Y, X, C]; y is [N].
    Without `with_labels` y may be absent. group: name of an array [N] in an `.npz` that says what
    belongs together. Raises `DataError`.
    """
    loaded, digest = _load(path)
    groups = None
    if isinstance(loaded, dict):
        values = _at(path, loaded, _ITEMS)
        labels = _at(path, loaded, _LABELS) if with_labels else None
        owner = path
        if with_labels and group is not None:
            groups = _at(path, loaded, (group,))
    else:
        values, owner = loaded, path.with_name(f"{path.stem}_labels.npy")
        labels = _labels_beside(path, owner) if with_labels else None
    values = _checked(path, values)
    items, read_as, findings = oriented(path.name, list(values), axes)
    places = [f"sequence {i}" for i in range(len(values))]
    names = None if labels is None else _names(owner, labels, places)
    return Examples(
        path.name,
        [*items],
        names,
        places,
        str(path),
        digest,
        read_as={"format": "arrays", **read_as},
        label_kind="text" if labels is None else kind_of_labels(labels),
        findings=findings,
        groups=None if groups is None else _group_names(path, groups, places),
    )


def _load(path: Path) -> tuple[Array | dict[str, Array], str]:
    """Return an array or named arrays, and the file's sha256; arrays of objects are refused."""
    raw, digest = read_bytes(path)
    if not raw.startswith(_HEADS):
        raise DataError(f"{path}: not a readable NumPy file: it does not begin like one")
    try:
        loaded = np.load(io.BytesIO(raw), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded, digest
        with loaded:
            return {name: loaded[name] for name in loaded.files}, digest
    except MemoryError:
        reason = "its head tells of more values than memory holds"
        raise DataError(f"{path}: not a readable NumPy file: {reason}") from None
    except _DAMAGED as error:
        reason = str(error).split("\n")[0]
        if "pickle" in reason:
            reason = "it holds Python objects; save plain arrays, not lists of arrays"
        raise DataError(f"{path}: not a readable NumPy file: {reason}") from None


def _at(path: Path, loaded: dict[str, Array], names: tuple[str, ...]) -> Array:
    found = [name for name in names if name in loaded]
    if len(found) != 1:
        raise DataError(
            f"{path}: one array named {names[0]!r} is expected (or {', '.join(names[1:])}), there "
            f"are {', '.join(loaded) or 'none'}; save it with numpy.savez(FILE, x=..., y=...)"
        )
    return loaded[found[0]]


def _labels_beside(path: Path, beside: Path) -> Array:
    if not beside.is_file():
        raise DataError(f"{path}: its labels are missing: {beside.name} is expected beside it")
    loaded, _ = _load(beside)
    if isinstance(loaded, dict):
        raise DataError(f"{beside}: one array is expected, not an archive of arrays")
    return loaded


def _checked(path: Path, values: Array) -> Array:
    """Return numbers [N, T, F] or [N, T], or pictures; raises `DataError` for others."""
    if values.dtype.kind not in "fiub":
        raise DataError(f"{path}: numbers are expected, got {values.dtype}")
    if values.ndim not in (2, 3, 4, 5) or not values.size:
        raise DataError(
            f"{path}: sequences [N, T, F] are expected, or pictures [N, T, Y, X], got the shape "
            f"{' x '.join(map(str, values.shape))}"
        )
    return values


def _group_names(path: Path, groups: Array, places: list[str]) -> list[str]:
    if groups.shape != (len(places),):
        raise DataError(
            f"{path}: {len(places):,} groups are expected, one for each sequence, got the shape "
            f"{' x '.join(map(str, groups.shape))}"
        )
    return group_names(groups.tolist(), places, str(path))


def _names(path: Path, labels: Array, places: list[str]) -> list[str]:
    if labels.shape == (len(places), 1):
        labels = labels[:, 0]
    if labels.shape != (len(places),):
        raise DataError(
            f"{path}: {len(places):,} labels are expected, one for each sequence, got the shape "
            f"{' x '.join(map(str, labels.shape))}"
        )
    return label_names(labels, places, str(path))

"""Files of features: NumPy's, and those of CMU Sphinx."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from longshort.errors import DataError
from longshort.tasks.transcribe.samples import Floats, checked

SPHINX = (".mfc", ".feat")
KINDS = (*SPHINX, ".npy")
"""Endings of files of features."""
_HEAD = 4


def is_features(path: Path) -> bool:
    """Whether a file holds features, by its ending."""
    return path.suffix.lower() in KINDS


def read_features(path: Path, width: int) -> Floats:
    """Return features [T, F] of a file; width: F of Sphinx's files, which do not say it.

    Raises `DataError`, which names the file, if it is missing, empty or damaged.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from None
    if not raw:
        raise DataError(f"{path}: the file is empty")
    if path.suffix.lower() in SPHINX:
        return checked(_sphinx(raw, path, width), str(path))
    try:
        return checked(np.load(path, allow_pickle=False), str(path))
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: is no NumPy array: {error}; write it with numpy.save") from None


def read_named(path: Path, names: Sequence[str]) -> list[Floats]:
    """Return the features of these names in a file of NumPy's (.npz).

    Raises `DataError` for a file that is none, and for a name that is not in it.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            lost = next((name for name in names if name not in file.files), None)
            if lost is None:
                return [checked(file[name], f"{path}: {name}") for name in names]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read as .npz: {reason}") from None
    raise DataError(f"{path}: holds no array {lost!r}, which the table names")


def _sphinx(raw: bytes, path: Path, width: int) -> Floats:
    """Return frames of Sphinx: the count of numbers, int32, and they, float32, in either order."""
    for order in (">", "<"):
        count = int(np.frombuffer(raw[:_HEAD], f"{order}i4")[0]) if len(raw) >= _HEAD else -1
        if _HEAD + 4 * count == len(raw):
            values = np.frombuffer(raw[_HEAD:], f"{order}f4").astype(np.float32)
            if count % width:
                raise DataError(
                    f"{path}: holds {count:,} numbers, which are no frames of {width}; say their "
                    "size with --set data.width=N"
                )
            return values.reshape(-1, width)
    raise DataError(
        f"{path}: is no file of Sphinx's features, or is damaged: its first number does not tell "
        f"its length ({len(raw):,} bytes)"
    )

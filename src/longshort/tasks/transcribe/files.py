"""Files of features: NumPy's, and those of CMU Sphinx."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from longshort.errors import DataError
from longshort.tasks.transcribe.samples import Floats, checked

SPHINX = (".mfc", ".feat")
KINDS = (*SPHINX, ".npy")
"""Endings of files of features."""
_HEAD = 4
_DAMAGED = (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


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
    except _DAMAGED:
        raise DataError(
            f"{path}: is no file of an array (.npy), is damaged, or holds objects; write an array "
            "[frames, size] with numpy.save(FILE, array)"
        ) from None


def read_named(path: Path, names: Sequence[str], table: str) -> list[Floats]:
    """Return the features of these names in a file of NumPy's (.npz).

    table: what names them, for messages. Raises `DataError` for a file that is none, and for a
    name that is not in it.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file (data.features); check the path")
    try:
        with np.load(path, allow_pickle=False) as file:
            lost = next((name for name in names if name not in file.files), None)
            if lost is None:
                return [checked(file[name], f"{path}: {name}") for name in names]
    except (*_DAMAGED, AttributeError, TypeError):  # the last two: a single array, which is no .npz
        raise DataError(
            f"{path}: is no file of named arrays (.npz), is damaged, or holds objects; write it "
            "with numpy.savez(FILE, **{name: array}), arrays [frames, size]"
        ) from None
    raise DataError(
        f"{table}: names {lost!r}, which is neither a file nor an array of {path}; name the file "
        "of its arrays with --set data.features=FILE.npz"
    )


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

"""Pen strokes in `.npz` archives of rows (dx, dy, pen).

Two layouts are read:

- `offsets` [P, 3], the rows of all samples one after the other, and `lengths` [N], the number of
  rows of each; optionally `labels` [N] and `writers` [N];
- one array of objects per part, `train`, `valid` and `test`, each object the rows [n, 3] of a
  sample, as sketch-rnn's data sets have it. They are pickled, and only arrays are unpickled.
"""

from __future__ import annotations

import io
import pickle
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.strokes.ink import Inks, ink_of_offsets
from longshort.data.textfiles import read_bytes
from longshort.errors import DataError

PARTS = {"train": "train", "val": "valid", "test": "test"}
"""Names of the parts here, and in the archive."""
_DAMAGED = (
    ValueError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    MemoryError,
    tokenize.TokenError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Errors that damaged archives raise."""
_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}
"""What pickled arrays consist of; nothing else is unpickled, since pickles may run any code."""


def read(path: Path) -> Inks:
    """Read all samples of an archive; raises `DataError` with file and sample."""
    found = parts(path)
    if found:
        joined = [*found.values()]
        return Inks(
            path.name,
            [ink for each in joined for ink in each.items],
            None,
            [place for each in joined for place in each.places],
            str(path),
            joined[0].sha256,
        )
    members, digest = _members(path)
    rows, lengths = (_array(path, members, name) for name in ("offsets", "lengths"))
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise DataError(f"{path}: lengths: numbers of rows [N] are expected")
    if rows.ndim != 2 or int(lengths.sum()) != len(rows):
        raise DataError(
            f"{path}: the lengths sum up to {int(lengths.sum()):,}, and there are {len(rows):,} "
            "rows of offsets"
        )
    places = [f"sample {i}" for i in range(len(lengths))]
    each = np.split(rows, np.cumsum(lengths)[:-1]) if len(lengths) else []
    items = [ink_of_offsets(r, f"{path}: {p}") for r, p in zip(each, places, strict=True)]
    labels, writers = (_names(path, members, name, len(places)) for name in ("labels", "writers"))
    return Inks(path.name, items, labels, places, str(path), digest, writers)


def is_of_strokes(path: Path) -> bool:
    """Whether an archive has the arrays of one of the two layouts."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
    except _DAMAGED:
        return False
    names = {name.removesuffix(".npy") for name in members}
    return "train" in names or {"offsets", "lengths"} <= names


def parts(path: Path) -> dict[str, Inks]:
    """Read the parts of an archive, by the names "train", "val" and "test"; {} if it has none."""
    members, digest = _members(path)
    if "train" not in members:
        return {}
    found = {}
    for name, member in PARTS.items():
        if member not in members:
            continue
        rows = _array(path, members, member)
        places = [f"{member}, sample {i}" for i in range(len(rows))]
        items = [ink_of_offsets(r, f"{path}: {p}") for r, p in zip(rows, places, strict=True)]
        found[name] = Inks(f"{path.name} ({member})", items, None, places, str(path), digest)
    return found


def _members(path: Path) -> tuple[dict[str, bytes], str]:
    """Return the content of each array, and the file's sha256."""
    raw, digest = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            return {name.removesuffix(".npy"): archive.read(name) for name in names}, digest
    except _DAMAGED as error:
        raise DataError(f"{path}: not a readable .npz archive: {error}") from None


def _array(path: Path, members: dict[str, bytes], name: str) -> NDArray[Any]:
    if name not in members:
        raise DataError(
            f"{path}: the arrays 'offsets' and 'lengths', or 'train', are expected, there are "
            f"{', '.join(members) or 'none'}"
        )
    content = io.BytesIO(members[name])
    try:
        version = np.lib.format.read_magic(content)
        shape, _, dtype = _header(version)(content)
        if not dtype.hasobject:
            return np.load(io.BytesIO(members[name]), allow_pickle=False)  # type: ignore[no-any-return]
        found: NDArray[Any] = _Arrays(content, encoding="latin1").load()
        return found.reshape(shape)
    except _DAMAGED as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"{path}: {name}: not a readable array: {reason}") from None


def _header(version: tuple[int, int]) -> Callable[[io.BytesIO], Any]:
    form = np.lib.format
    return form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0


class _Arrays(pickle.Unpickler):
    """Unpickles NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class by name; raises `UnpicklingError` for all but those of arrays."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it holds a {module}.{name}, and only arrays are read")
        return super().find_class(module, name)


def _names(path: Path, members: dict[str, bytes], name: str, count: int) -> list[str] | None:
    if name not in members:
        return None
    values = _array(path, members, name)
    if values.shape != (count,) or values.dtype.kind not in "iuU":
        shape = " x ".join(map(str, values.shape))
        raise DataError(f"{path}: {name}: {count:,} texts are expected, got the shape {shape}")
    return [str(value) for value in values]

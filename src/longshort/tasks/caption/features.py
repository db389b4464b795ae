"""Features of images, made once by a frozen network: arrays by the image's name."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Key = tuple[str, str]
"""What a table's array is called in messages, and the flag that names its file."""
PLACES: Key = ("places", "--features")
WHOLE: Key = ("whole images", "--global")
_DIMENSIONS = {PLACES: 3, WHOLE: 2}
_NAMES, _SCALE = "names", "scale"
_ARRAYS = ("grid", "features", "feat", "values")
"""Usual names of the array of all images, the first of which counts."""


@dataclass(frozen=True)
class Projection:
    """How features of places were made smaller: (map - mean [F]) · basis [F, D]."""

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]


@dataclass(frozen=True)
class FeatureTable:
    """Features of n images by one network: values [n, …], times `scale`.

    encoder: fingerprint of all that the file says of the network, such as scale, mean and basis,
    and of the shape. path, sha256: of the file; None for arrays in memory. projection: where the
    file holds it.
    """

    names: Sequence[str]
    values: NDArray[Any]
    scale: Floats = field(default_factory=lambda: np.ones((), np.float32))
    encoder: str = ""
    path: str | None = None
    sha256: str | None = None
    projection: Projection | None = None

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each image."""
        return {name: row for row, name in enumerate(self.names)}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image's features."""
        return self.values.shape[1:]

    def take(self, images: Sequence[str]) -> Floats:
        """Return the features [m, …] of these images."""
        rows = [self.rows[image] for image in images]
        found: Floats = self.values[rows].astype(np.float32) * self.scale
        return found

    def record(self) -> dict[str, Any]:
        """Return what a run keeps of its features."""
        kept = {"path": self.path, "sha256": self.sha256, "encoder": self.encoder}
        return {**kept, "shape": list(self.shape)}


@dataclass(frozen=True)
class Features:
    """Features of images: of their places, to attend to, and of each as a whole; one may lack."""

    places: FeatureTable | None
    whole: FeatureTable | None

    @property
    def tables(self) -> dict[Key, FeatureTable]:
        """Those that are there."""
        both = {PLACES: self.places, WHOLE: self.whole}
        return {key: table for key, table in both.items() if table is not None}

    def lacks(self, image: str) -> str:
        """Return the file that lacks this image; empty if none does."""
        for table in self.tables.values():
            if image not in table.rows:
                return table.path or "the features"
        return ""

    def vectors(self, images: Sequence[str]) -> Floats:
        """Return a vector of each whole image, [m, G]; without their own the mean of its places."""
        if self.whole is not None:
            return self.whole.take(images)
        assert self.places is not None
        mean: Floats = self.places.take(images).mean(1)
        return mean

    def key(self, image: str) -> bytes:
        """Return a key of an image's content, equal for equal features."""
        found = hashlib.sha256()
        for table in self.tables.values():
            found.update(np.ascontiguousarray(table.values[table.rows[image]]).tobytes())
        return found.digest()


def read_features(places: str | None, whole: str | None) -> Features:
    """Read the files of features; raises `DataError` for none, and for what is none."""
    if places is None and whole is None:
        raise DataError(
            "data.features: the captions' images need features; name a file with --features "
            "(places of each image), --global (a vector for each) or both; or have them made of "
            "the images, with --images FOLDER and --encoder FILE.tflite (MobileNetV2) or "
            "--encoder torchvision"
        )
    return Features(
        None if places is None else read_table(Path(places), PLACES),
        None if whole is None else read_table(Path(whole), WHOLE),
    )


def read_table(path: Path, key: Key) -> FeatureTable:
    """Read an .npz file of features: an array of all images with `names`, or one an image.

    Beside them may stand `scale`, by which whole numbers are multiplied, and anything else about
    the network, which goes into its fingerprint. Raises `DataError`.
    """
    arrays = _arrays(path, key)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if _NAMES not in arrays:
        return _checked(_by_image(path, arrays, key), key, str(path), digest)
    names = [str(name) for name in arrays.pop(_NAMES).tolist()]
    chosen = next((name for name in _ARRAYS if name in arrays), None)
    if chosen is None:
        raise DataError(
            f"{path}: beside `names` one of the arrays {', '.join(_ARRAYS)} is expected, got "
            f"{', '.join(arrays) or 'none'}; call the features by one of these names"
        )
    values = arrays.pop(chosen)
    scale = np.asarray(arrays.get(_SCALE, 1.0), np.float32)
    table = FeatureTable(names, values, scale, fingerprint(values.shape[1:], arrays))
    return _checked(replace(table, projection=_projection(arrays)), key, str(path), digest)


def table_of(names: Sequence[str], values: Any, key: Key) -> FeatureTable:
    """Return features in memory, [n, …], of images with these names."""
    array = np.asarray(values)
    return _checked(FeatureTable(names, array, encoder=fingerprint(array.shape[1:], {})), key)


def fingerprint(shape: tuple[int, ...], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return a digest of the features' shape and of what a file says of their network."""
    found = hashlib.sha256(repr(tuple(shape)).encode())
    for name in sorted(arrays):
        found.update(name.encode() + b"\0" + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()[:16]


def _arrays(path: Path, key: Key) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise DataError(f"{path}: no such file of features; check {key[1]}")
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: no .npz file of features ({error}); write one with numpy.savez"
        ) from None


def _by_image(path: Path, arrays: dict[str, NDArray[Any]], key: Key) -> FeatureTable:
    """Features of a file with an array for each image."""
    shapes = {name: array.shape for name, array in arrays.items()}
    first = next(iter(shapes), None)
    odd = next((name for name, shape in shapes.items() if shape != shapes.get(first or "")), None)
    if first is None or odd is not None:
        what = "holds no array" if odd is None else (
            f"{first!r} has the shape {shapes[first or '']}, {odd!r} {shapes[odd]}"
        )  # fmt: skip
        raise DataError(
            f"{path}: {what}; give arrays of one shape by the images' names, or one array "
            f"`features` with `names` ({key[1]})"
        )
    values = np.stack(list(arrays.values()))
    return FeatureTable(list(arrays), values, encoder=fingerprint(values.shape[1:], {}))


def _checked(
    table: FeatureTable, key: Key, path: str | None = None, digest: str | None = None
) -> FeatureTable:
    """Refuse features of a wrong shape, doubled names, and values that are no finite numbers."""
    where, wanted = path or "features", _DIMENSIONS[key]
    values = table.values
    if values.ndim != wanted or values.shape[0] != len(table.names) or 0 in values.shape:
        shape = "[images, places, size]" if key == PLACES else "[images, size]"
        raise DataError(
            f"{where}: features of {key[0]} are expected as {shape} with a name for each image "
            f"({key[1]}), got {list(values.shape)} and {len(table.names):,} names"
        )
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise DataError(f"{where}: features are expected to be finite numbers ({values.dtype})")
    if len(table.rows) < len(table.names):
        doubled = next(n for row, n in enumerate(table.names) if table.rows[n] != row)
        raise DataError(f"{where}: the image {doubled!r} has features twice; keep one of them")
    return replace(table, path=path, sha256=digest)


def _projection(arrays: Mapping[str, NDArray[Any]]) -> Projection | None:
    mean, basis = (arrays.get(name) for name in ("mean", "basis"))
    if mean is None or basis is None:
        return None
    return Projection(mean.astype(np.float64), basis.astype(np.float64))

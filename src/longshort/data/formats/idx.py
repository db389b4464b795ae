"""IDX files, the format of MNIST: images as sequences of rows or pixels, labels in a second file.

Layout: two zero bytes, a byte for the type, a byte for the number of dimensions, each dimension as
a big-endian int32, then the values.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.data.labels import label_names
from longshort.data.textfiles import read_bytes
from longshort.errors import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def is_idx(raw: bytes) -> bool:
    """Whether these are the first bytes of an IDX file."""
    return len(raw) >= 4 and raw[:2] == b"\0\0" and raw[2] in _TYPES and 1 <= raw[3] <= 4


def read(path: Path, pixels: Literal["rows", "pixels"], *, with_labels: bool = True) -> Examples:
    """Read images [N, R, C] as N sequences [R, C] of rows or [R * C, 1] of pixels.

    The labels' file is found by name: `x-labels-idx1-ubyte` beside `x-images-idx3-ubyte`, `.gz` or
    not. Without `with_labels` it may be absent.
    """
    values, digest = _array(path)
    if values.ndim != 3:
        raise DataError(
            f"{path}: images [N, rows, columns] are expected, got {values.ndim} dimensions; give "
            "the file of the images"
        )
    if not values.size:
        raise DataError(f"{path}: holds no image")
    if pixels == "pixels":
        values = values.reshape(len(values), -1, 1)
    places = [f"image {i}" for i in range(len(values))]
    labels = _labels(path, places) if with_labels else None
    return Examples(
        path.name,
        list(values),
        labels,
        places,
        str(path),
        digest,
        read_as={"format": "idx"},
        label_kind="number",
    )


def _array(path: Path) -> tuple[NDArray[np.generic], str]:
    raw, digest = read_bytes(path)
    if not is_idx(raw):
        raise DataError(f"{path}: is no IDX file: its first bytes are {raw[:4].hex(' ')}")
    kind, dimensions = np.dtype(_TYPES[raw[2]]), raw[3]
    begin = 4 + 4 * dimensions
    if len(raw) < begin:
        raise DataError(f"{path}: is cut off: {len(raw)} bytes, and the head alone has {begin}")
    shape = [int(n) for n in np.frombuffer(raw, ">u4", dimensions, 4)]
    expected = begin + math.prod(shape) * kind.itemsize
    if len(raw) != expected:
        raise DataError(
            f"{path}: {len(raw):,} bytes, but {expected:,} are needed for the shape "
            f"{' x '.join(map(str, shape))} in its head; the file is cut off or damaged"
        )
    return np.frombuffer(raw, kind, offset=begin).reshape(shape), digest


def _labels(path: Path, places: list[str]) -> list[str]:
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    plain = name.removesuffix(".gz")
    beside = [path.with_name(each) for each in dict.fromkeys((name, plain, plain + ".gz"))]
    found = [each for each in beside if each != path and each.is_file()]
    if not found:
        raise DataError(
            f"{path}: there is no file of labels beside it; name the images "
            "NAME-images-idx3-ubyte and the labels NAME-labels-idx1-ubyte (.gz or not)"
        )
    labels, _ = _array(found[0])
    if labels.shape != (len(places),):
        raise DataError(
            f"{found[0]}: {len(places):,} labels are expected, one for each image, got the shape "
            f"{' x '.join(map(str, labels.shape))}"
        )
    return label_names(labels, places, str(found[0]))

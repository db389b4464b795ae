"""Files of pictures as grey values; needs the extra `image`."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

KINDS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
Grey = NDArray[np.float32]
"""A picture [height, width], from 0 for black to 1 for white."""


class DamagedPicture(DataError):
    """A file that is no picture."""


_DEEP = ("I;16", "I;16B", "I;16L", "I")
"""Modes of 16 bits."""


def grey_from(content: bytes, name: str) -> Grey:
    """Return the grey values of a file of a picture; what is transparent is white, as paper is.

    Colours, 1, 8 and 16 bits, palettes and alpha are all read. Raises `DataError`, which begins
    with `name`, if the content is empty or no picture, or if pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            f"{name}: reading pictures needs pillow; install it with: pip install "
            "'longshort[image]'"
        ) from None
    try:
        if not content:
            raise ValueError("the file is empty")
        with Image.open(io.BytesIO(content)) as image:
            return _grey(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DamagedPicture(
            f"{name}: cannot be read as a picture ({_reason(error)}); restore the file, or remove "
            "it with its text"
        ) from None


def grey_of(values: Any, name: str) -> Grey:
    """Return an array [height, width] or [height, width, 3 or 4] as grey values.

    Whole numbers are from 0 to the greatest of their type, others from 0 to 1. Raises `DataError`,
    which begins with `name`.
    """
    found = np.asarray(values)
    if found.ndim not in (2, 3) or (found.ndim == 3 and found.shape[2] not in (3, 4)):
        raise DataError(
            f"{name}: an array [height, width] or [height, width, colours] is expected, got "
            f"{list(found.shape)}"
        )
    if not found.size:
        raise DataError(f"{name}: the picture has no pixels, its shape is {list(found.shape)}")
    if found.dtype == np.bool_:
        found = found.astype(np.float32)
    elif np.issubdtype(found.dtype, np.integer):
        found = found.astype(np.float32) / np.iinfo(found.dtype).max
    found = found.astype(np.float32)
    if not np.isfinite(found).all() or found.min() < 0 or found.max() > 1:
        raise DataError(f"{name}: values from 0 (black) to 1 (white) are expected")
    return _flat(found)


def _grey(image: Any) -> Grey:
    if image.mode in _DEEP:
        found: Grey = np.asarray(image, dtype=np.float32) / 65535.0
        return np.minimum(found, 1.0)
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    kind = "RGBA" if has_alpha else "L" if image.mode in ("L", "1") else "RGB"
    return _flat(np.asarray(image.convert(kind), dtype=np.float32) / 255.0)


def _flat(values: NDArray[np.float32]) -> Grey:
    """Return colours as grey by their luminance (ITU-R BT.601), on white paper."""
    if values.ndim == 2:
        return values
    found: Any = values[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    if values.shape[2] == 4:
        found = 1.0 - values[..., 3] * (1.0 - found)
    return np.asarray(found, dtype=np.float32)


def _reason(error: Exception) -> str:
    """Return what is wrong, without the path that the message begins with."""
    text = str(error)
    return "it is damaged, or not a picture" if "cannot identify" in text else text

"""Image files as arrays of colours; needs the extra `image`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

KINDS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


def read_image(path: Path, size: int) -> NDArray[np.uint8]:
    """Return an image squeezed to a square of red, green and blue, [size, size, 3].

    Raises `DataError` if the file is no image, or if pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            f"{path}: reading images needs pillow; install it with: pip install 'longshort[image]'"
        ) from None
    try:
        with Image.open(path) as image:
            found = image.convert("RGB")
            if found.size != (size, size):
                found = found.resize((size, size), Image.Resampling.BILINEAR)
            return np.asarray(found)
    except OSError as error:
        raise DataError(f"{path}: cannot be read as an image ({error}); give JPEG or PNG") from None

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
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image ({error}); give JPEG or PNG") from None


def image_files(data: object) -> list[Path]:
    """Return the images that data name: a file, a folder, or a list of files; none for others.

    Raises `DataError` for a folder without images.
    """
    if isinstance(data, (list, tuple)):
        paths = [Path(each) for each in data if isinstance(each, (str, Path))]
        there = len(paths) == len(data) and all(path.is_file() for path in paths)
        return paths if there else []
    if not isinstance(data, (str, Path)):
        return []
    path = Path(data)
    if not path.is_dir():
        return [path] if path.suffix.lower() in KINDS else []
    found = sorted(each for each in path.iterdir() if each.suffix.lower() in KINDS)
    if not found:
        raise DataError(f"{path}: the folder holds no image; allowed: {', '.join(KINDS)}")
    return found

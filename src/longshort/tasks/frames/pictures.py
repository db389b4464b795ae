"""Frames as image files and GIFs, read and written; needs the extra `image`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.textfiles import name_of
from longshort.errors import DataError
from longshort.tasks.frames.clips import Clip
from longshort.tasks.frames.config import FramesData

KINDS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
_PAUSE = 120
"""Milliseconds of a frame in a GIF that is written."""


def read_images(folder: Path, files: Sequence[Path], config: FramesData) -> Clip:
    """Read a folder of images as the frames of a clip, in the order of their names."""
    pillow = _pillow(folder)
    frames: list[NDArray[np.uint8]] = []
    for path in files:
        try:
            with pillow.open(path) as image:
                frames.append(as_frame(image, config))
        except _errors() as error:
            raise DataError(
                f"{path}: cannot be read as an image ({error}); give PNG or JPEG"
            ) from None
        if frames[-1].shape != frames[0].shape:
            raise DataError(
                f"{path}: has {_size(frames[-1])} pixels, and {files[0].name} {_size(frames[0])}; "
                "the frames of a clip have one size: set --size, such as 64x64"
            )
    return Clip(name_of(folder), np.stack(frames))


def read_gif(path: Path, config: FramesData) -> Clip:
    """Read the frames of a GIF; raises `DataError` if it is cut off."""
    pillow = _pillow(path)
    try:
        with pillow.open(path) as image:
            frames = []
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                frames.append(as_frame(image, config))
    except _errors() as error:
        raise DataError(f"{path}: the GIF is cut off or damaged ({error}); make it anew") from None
    return Clip(path.name, np.stack(frames))


def as_frame(image: Any, config: FramesData) -> NDArray[np.uint8]:
    """Return an image as [Y, X, C], in the size and colours of the settings."""
    from PIL import Image

    found = image.convert("RGB" if config.colour else "L")
    if config.size is not None:
        rows, columns = map(int, config.size.lower().split("x"))
        if found.size != (columns, rows):
            found = found.resize((columns, rows), Image.Resampling.BOX)
    values = np.asarray(found)
    return values if config.colour else values[..., None]


def gif_of(clips: Sequence[NDArray[np.uint8]]) -> bytes:
    """Return a GIF of clips [T, Y, X, C] side by side, enlarged to be seen."""
    from PIL import Image

    gap = np.full((*clips[0].shape[:2], 2, clips[0].shape[3]), 128, np.uint8)
    parts = [part for clip in clips for part in (clip, gap)][:-1]
    joined = np.concatenate(parts, 2)
    scale = max(1, 160 // joined.shape[1])
    large = joined.repeat(scale, 1).repeat(scale, 2)
    images = [Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in large]
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=_PAUSE, loop=0)
    return file.getvalue()


def has_pillow() -> bool:
    """Whether images can be read and written here."""
    return find_spec("PIL") is not None


def _pillow(path: Path) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            f"{path}: reading images needs pillow; install it with: pip install 'longshort[image]'"
        ) from None
    return Image


def _errors() -> tuple[type[Exception], ...]:
    """Return what pillow raises for files that it cannot read."""
    from PIL import Image

    return OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError


def _size(frame: NDArray[np.uint8]) -> str:
    return f"{frame.shape[0]} x {frame.shape[1]}"

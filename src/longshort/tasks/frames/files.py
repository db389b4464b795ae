"""Forecast frames as files: arrays in the data's units, and GIFs."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError
from longshort.tasks.frames import pictures
from longshort.tasks.frames.clips import Windows
from longshort.tasks.frames.encoder import Floats, FrameEncoder, encode

ENDINGS = (".npy", ".npz", ".gif")
_SHOWN = 4
"""Windows in a GIF, side by side."""


def encoded(encoder: FrameEncoder, windows: Windows, frames: Floats, ending: str) -> bytes:
    """Return frames as .npy or .npz, [N, M, Y, X] or with channels last, or the first as a GIF."""
    if ending == ".gif":
        return gif(encoder, windows, frames, range(min(_SHOWN, len(windows))))
    values = encoder.units(frames.astype(np.float64)).astype(np.float32)
    values = values[..., 0] if values.shape[-1] == 1 else values
    file = io.BytesIO()
    if ending == ".npy":
        np.save(file, values)
    else:
        np.savez_compressed(file, frames=values, clip=np.array(windows.places))
    return file.getvalue()


def gif(encoder: FrameEncoder, windows: Windows, frames: Floats, rows: range | list[int]) -> bytes:
    """Return windows as a GIF: what was read, then the forecast; above them the truth if known.

    Raises `DataError` without pillow.
    """
    if not pictures.has_pillow():
        raise DataError("a GIF needs pillow; install it with: pip install 'longshort[image]'")
    arrays = encode(encoder, windows.take(list(rows)))
    given, chosen = arrays.given(), frames[list(rows)]
    shown = np.concatenate([given, chosen], 1)
    if windows.outputs:
        truth = np.concatenate([given, arrays.truth()], 1)
        gap = np.full((*truth.shape[:2], 2, *truth.shape[3:]), 0.5, np.float32)
        shown = np.concatenate([truth, gap, shown], 2)
    return pictures.gif_of([as_bytes(each) for each in shown])


def as_bytes(frames: Floats) -> NDArray[np.uint8]:
    """Return frames of values from 0 to 1 as bytes, grey or red, green and blue."""
    channels = frames[..., :3] if frames.shape[-1] >= 3 else frames[..., :1]
    return np.asarray(np.rint(channels.clip(0, 1) * 255), np.uint8)

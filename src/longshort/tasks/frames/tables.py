"""Forecast frames as a table: a row for each frame of each window."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.metrics import frames as errors
from longshort.tasks.frames.clips import Windows
from longshort.tasks.frames.encoder import Floats, FrameEncoder, encode


def rows(encoder: FrameEncoder, windows: Windows, frames: Floats) -> dict[str, Any]:
    """Return columns: window, number of the frame in its clip, mean value in the data's units.

    Where the truth is known, mean squared and absolute errors of a frame's pixels, and SSIM.
    """
    count, steps = frames.shape[:2]
    ahead = np.tile(np.arange(1, steps + 1), count)
    first = windows.starts[:, 1].repeat(steps) + windows.inputs - 1
    means = encoder.units(frames.mean((2, 3, 4), dtype=np.float64)).reshape(-1)
    found: dict[str, Any] = {
        "window": np.repeat(windows.places, steps),
        "frame": first + ahead,
        "ahead": ahead,
        "mean": means,
    }
    if windows.outputs:
        truth, pixels = encode(encoder, windows).truth(), int(np.prod(encoder.shape))
        found["mse"] = (errors.squared(truth, frames) / pixels).reshape(-1)
        found["mae"] = (errors.absolute(truth, frames) / pixels).reshape(-1)
        found["ssim"] = errors.ssim(truth, frames).reshape(-1)
    return found

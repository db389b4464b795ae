"""Forecasts without learning: what was last seen, means, black, and motion of the whole frame."""

from __future__ import annotations

import numpy as np

from longshort.runs.task import Baseline
from longshort.tasks.frames.encoder import Floats, FrameArrays


def baselines(train: FrameArrays, test: FrameArrays) -> dict[str, Baseline[Floats]]:
    """Return the forecasts of the test windows, [n, M, Y, X, C] each."""
    given = test.given()
    shape = (len(given), test.outputs, *given.shape[2:])

    def still(frames: Floats) -> Floats:
        """Return the same frame, [n, Y, X, C] or [Y, X, C], at all times."""
        whole = frames if frames.ndim == 3 else frames[:, None]
        return np.broadcast_to(whole, shape)

    return {
        "last_frame": Baseline(still(given[:, -1]), "the last frame"),
        "mean_of_inputs": Baseline(still(given.mean(1)), "the mean of the frames that were read"),
        "black": Baseline(still(np.zeros(given.shape[2:], np.float32)), "a black frame"),
        "pixel_mean": Baseline(still(pixel_mean(train)), "the mean of each training pixel"),
        "advection": Baseline(test.moved(), "the last frame moved on as a whole"),
    }


def pixel_mean(train: FrameArrays) -> Floats:
    """Return the mean of each pixel over all training frames, [Y, X, C]."""
    clips, encoder = train.windows.clips, train.encoder
    sums = sum(encoder.scaled(clip.frames).sum(0, dtype=np.float64) for clip in clips)
    return np.asarray(sums / sum(len(clip.frames) for clip in clips), np.float32)

"""Forecasts of encoded windows, frame by frame; without torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.runs.task import Model
from longshort.tasks.frames.encoder import Floats, FrameArrays, FrameEncoder, Ints

_VALUES = 4_000_000
"""Pixels of the frames of a batch, about."""
_MOST = 64
"""Windows of a batch."""


def forecast(model: Model[Any, FrameEncoder], arrays: FrameArrays) -> Floats:
    """Return the frames that follow each window, [n, M, Y, X, C], from 0 to 1."""
    outputs = model.config.model.outputs
    encoder, windows = model.encoder, arrays.windows
    pixels = int(np.prod(encoder.shape)) * (windows.inputs + outputs)
    together = max(1, min(_MOST, _VALUES // pixels))
    parts = [
        _of_batch(model, arrays, np.arange(begin, min(begin + together, len(windows))), outputs)
        for begin in range(0, len(windows), together)
    ]
    return np.concatenate(parts)


def _of_batch(model: Model[Any, Any], arrays: FrameArrays, rows: Ints, outputs: int) -> Floats:
    read = arrays.batch(rows).read
    step = model.call("begin", read[0])
    for frame in read[1:]:
        step = model.call("advance", frame, step.state)
    found = [step.frame]
    for _ in range(outputs - 1):
        step = model.call("follow", step.frame, step.state)
        found.append(step.frame)
    frames = arrays.encoder.unfolded(np.stack(found))
    return np.ascontiguousarray(frames.swapaxes(0, 1))

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
    encoder, windows = model.encoder, arrays.windows
    pixels = int(np.prod(encoder.shape)) * (windows.inputs + encoder.outputs)
    together = max(1, min(_MOST, _VALUES // pixels))
    parts = [
        _of_batch(model, arrays, np.arange(begin, min(begin + together, len(windows))))
        for begin in range(0, len(windows), together)
    ]
    return np.concatenate(parts)


def _of_batch(model: Model[Any, Any], arrays: FrameArrays, rows: Ints) -> Floats:
    batch = arrays.batch(rows)
    read, outputs = batch.read, arrays.outputs
    has_base = batch.base is not None
    # While frames are read, the forecast of the next one is a change of this one.
    bases = [*read[:-1], *batch.base] if has_base else [None] * (len(read) + outputs - 1)
    step = model.call("begin", read[0], bases[0])
    for frame, base in zip(read[1:], bases[1:], strict=False):
        step = model.call("advance", frame, base, step.state)
    found = [step.frame]
    for base in bases[len(read) :]:
        step = model.call("follow", step.frame, base, step.state)
        found.append(step.frame)
    frames = arrays.encoder.unfolded(np.stack(found))
    return np.ascontiguousarray(frames.swapaxes(0, 1))

"""The work of training: floating point operations of a window."""

from __future__ import annotations

from typing import Any

from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.encoder import FrameEncoder

_BACKWARD = 2.0
"""A backward pass costs about twice the forward pass."""


def work(network: Any, config: FramesConfig, encoder: FrameEncoder) -> int:
    """Return the operations of a window's forward pass; one multiplication and addition are two."""
    rows, columns = encoder.map_size
    if config.train.crop is not None:
        rows = columns = config.train.crop // encoder.patch
    found: int = network.flops(rows, columns, config.model.inputs, config.model.outputs)
    return found


def described(operations: int, windows: int, epochs: int) -> str:
    """Describe the work of a training in a line for people; `windows` are those of an epoch."""
    whole = operations * (1 + _BACKWARD)
    total = whole * windows * epochs
    return (
        f"work: {operations / 1e9:.3g} GFLOP a window forward, {whole / 1e9:.3g} with the backward "
        f"pass; {total / 1e12:,.3g} TFLOP for {epochs} epochs of {windows:,} windows"
    )

"""Scores of forecast frames, in all and frame by frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.metrics import frames as errors
from longshort.runs.task import Scores
from longshort.tasks.frames.encoder import Floats, FrameEncoder


def scores(
    encoder: FrameEncoder, truth: Floats, frames: Floats, thresholds: tuple[float, ...]
) -> Scores:
    """Score frames [n, M, Y, X, C] from 0 to 1; each window's loss is its mean squared error."""
    pixels = int(np.prod(encoder.shape))
    squared, absolute = errors.squared(truth, frames), errors.absolute(truth, frames)
    similar, ratio = errors.ssim(truth, frames), errors.psnr(squared, pixels)
    found: dict[str, Any] = {
        "mse": float(squared.mean()),
        "mae": float(absolute.mean()),
        "ssim": float(similar.mean()),
        "psnr": float(ratio.mean()),
        "mean_mse": float(squared.mean()) / pixels,
        "mean_mae": float(absolute.mean()) / pixels,
        "by_frame": {
            "mse": squared.mean(0).tolist(),
            "mae": absolute.mean(0).tolist(),
            "ssim": similar.mean(0).tolist(),
            "psnr": ratio.mean(0).tolist(),
        },
    }
    if thresholds:
        found["csi"] = {f"{each:g}": _events(encoder, truth, frames, each) for each in thresholds}
    return Scores(found, squared.mean(1))


def _events(
    encoder: FrameEncoder, truth: Floats, frames: Floats, threshold: float
) -> dict[str, Any]:
    """Return the critical success index of a threshold, in all and by frame."""
    counts = errors.hits(truth, frames, (threshold - encoder.low) / (encoder.high - encoder.low))
    return {"all": errors.csi(counts.sum(0)[None])[0], "by_frame": errors.csi(counts)}

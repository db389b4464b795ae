"""The loss of forecast frames, and the network's start."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.runs.task import Loss
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.encoder import FrameEncoder

_RARE = 1e-3
"""Smallest mean of pixels that a network starts from, and distance of the largest from 1."""


def start(network: Any, encoder: FrameEncoder) -> None:
    """Let an untrained network forecast its base, or else the mean of the training frames."""
    if encoder.base != "none":
        network.head.start_at(0.0)
        return
    mean = encoder.mean
    share = min(max(mean, _RARE), 1 - _RARE)
    network.head.start_at(math.log(share / (1 - share)))


def loss_of(
    network: Any, batch: Any, config: FramesConfig, encoder: FrameEncoder, done: float
) -> Loss:
    """Return the loss of a batch when the share `done` of the training is done.

    The reported one is of the frames that follow, a mean over pixels; the minimised one adds those
    that are read.
    """
    train = config.train
    read, wanted, base = _changed(batch, config, encoder)
    true_share = train.true_frames * max(0.0, 1.0 - 2.0 * done)
    logits = network(read, wanted, base, len(wanted), true_share)
    known = len(read) - 1
    after = _error(logits[known:], wanted, train.loss)
    if not known or not train.read_weight:
        return Loss(after, after)
    before = _error(logits[:known], read[1:], train.loss)
    return Loss(after, after + train.read_weight * before)


def _error(logits: Tensor, wanted: Tensor, kind: str) -> Tensor:
    if kind == "bce":
        return F.binary_cross_entropy_with_logits(logits, wanted)
    frames = logits.sigmoid()
    squared = F.mse_loss(frames, wanted)
    return squared if kind == "mse" else squared + F.l1_loss(frames, wanted)


def _changed(
    batch: Any, config: FramesConfig, encoder: FrameEncoder
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return a random square of the maps, and mirrored ones, as the settings say."""
    train, maps = config.train, [batch.read, batch.wanted]
    maps += [] if batch.base is None else [batch.base]
    if train.crop is not None:
        side = train.crop // encoder.patch
        y, x = (int(torch.randint(size - side + 1, ())) for size in batch.read.shape[-2:])
        maps = [each[..., y : y + side, x : x + side] for each in maps]
    if train.flips:
        for axis in (-2, -1):
            if torch.rand(()) < 0.5:
                maps = [mirrored(each, axis, encoder.patch) for each in maps]
    return maps[0], maps[1], maps[2] if batch.base is not None else None


def mirrored(maps: Tensor, axis: int, patch: int) -> Tensor:
    """Return maps [..., C · P · P, Y, X] mirrored along rows (-2) or columns (-1)."""
    pixels = maps.reshape(*maps.shape[:-3], -1, patch, patch, *maps.shape[-2:])
    return pixels.flip((axis, axis - 2)).flatten(-5, -3)

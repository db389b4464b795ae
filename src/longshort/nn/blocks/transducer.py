"""The loss of a transducer (RNN-T; Graves, 2012, "Sequence transduction with neural networks").

A path goes through the lattice of frames and labels: the blank leads to the next frame, a label to
the next place in the text. The loss is the negative log probability of all paths that end, by the
blank, at the last frame with all labels.

Letters: T frames, B batch, U labels, V = U + 1 places in the text, C classes with the blank,
D = T + U diagonals, on which frame + place is the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
_NEVER = -1e30
"""Logarithm of 0, without the NaN that -inf - -inf is."""


def transducer_loss(
    scores: Tensor, labels: Tensor, lengths: Tensor, label_lengths: Tensor, *, blank: int = 0
) -> Tensor:
    """Return the negative log probability [B] of labels [B, U], in nats.

    scores [B, T, U + 1, C]: before the softmax, after each number of labels in each frame. lengths,
    label_lengths [B]: frames, at least one, and labels of each sample; the rest is padding.
    """
    logs = scores.log_softmax(3)
    blanks = logs[..., blank]
    frames = labels[:, None].expand(-1, scores.shape[1], -1)
    written = logs[:, :, :-1].gather(3, frames[..., None])[..., 0]
    found: Tensor = _Loss.apply(  # type: ignore[no-untyped-call]
        blanks, written, lengths, label_lengths
    )
    return found


class _Loss(torch.autograd.Function):
    """The loss from the logarithms of blanks [B, T, U + 1] and labels [B, T, U], in NumPy."""

    @staticmethod
    def forward(
        ctx: Any, blanks: Tensor, written: Tensor, lengths: Tensor, counts: Tensor
    ) -> Tensor:
        given = (each.detach().cpu().numpy() for each in (blanks, written, lengths, counts))
        losses, *taken = _forward_backward(*given)
        ctx.save_for_backward(*(torch.from_numpy(-each).to(blanks) for each in taken))
        return torch.from_numpy(losses).to(blanks)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        by_blank, by_label = ctx.saved_tensors
        return gradient[:, None, None] * by_blank, gradient[:, None, None] * by_label, None, None


def _forward_backward(
    blanks: Floats, written: Floats, lengths: Ints, counts: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return the losses [B], and how probably paths take each blank [B, T, V] and label [B, T, U].

    Nodes of the lattice are taken diagonal by diagonal, [D + 1, V, B]; the last blank of a sample
    leads to its end, one frame beyond its last.
    """
    _, frames, places = blanks.shape
    t, u = np.arange(frames)[:, None], np.arange(places)
    last, most = lengths[:, None, None] - 1, counts[:, None, None]
    stays = _by_diagonal(np.where((t < last) | ((t == last) & (u == most)), blanks, _NEVER))
    moves = _by_diagonal(np.where((t <= last) & (u[:-1] < most), written, _NEVER), stays.shape[0])
    ends = (np.arange(len(stays) + 1)[:, None, None] == lengths + counts) & (u[:, None] == counts)
    before = np.full(ends.shape, _NEVER, blanks.dtype)
    before[0, 0] = 0.0
    for n in range(len(stays)):
        before[n + 1] = before[n] + stays[n]
        here = before[n + 1, 1:]
        np.logaddexp(here, before[n, :-1] + moves[n], out=here)
    after = np.where(ends, 0.0, _NEVER).astype(blanks.dtype)
    for n in range(len(stays) - 1, -1, -1):
        np.maximum(after[n], after[n + 1] + stays[n], out=after[n])
        here = after[n, :-1]
        np.logaddexp(here, after[n + 1, 1:] + moves[n], out=here)
    total = before.transpose(2, 0, 1)[ends.transpose(2, 0, 1)]
    by_blank = np.exp(before[:-1] + stays + after[1:] - total)
    by_label = np.exp(before[:-1, :-1] + moves + after[1:, 1:] - total)
    return -total, _by_frame(by_blank, frames), _by_frame(by_label, frames)


def _by_diagonal(values: Floats, count: int | None = None) -> Floats:
    """Return values [B, T, V] by diagonal, [D, V, B]; -1e30 where there are none."""
    _, frames, places = values.shape
    u = np.arange(places)
    t = np.arange(count or frames + places - 1)[:, None] - u
    found = values.transpose(1, 2, 0)[np.clip(t, 0, frames - 1), u]
    found[(t < 0) | (t >= frames)] = _NEVER
    return found


def _by_frame(values: Floats, frames: int) -> Floats:
    """Return values by diagonal [D, V, B] by frame, [B, T, V]."""
    u = np.arange(values.shape[1])
    found: Floats = values[np.arange(frames)[:, None] + u, u].transpose(2, 0, 1)
    return np.ascontiguousarray(found)

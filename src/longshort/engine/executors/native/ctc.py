"""Connectionist temporal classification by the native module, from torch tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort import _native
from longshort.engine.executors.native.threads import share_with_torch

share_with_torch()


def losses_and_gradient(
    scores: Tensor,
    labels: Tensor,
    lengths: Tensor,
    counts: Tensor,
    blank: int,
    *,
    wants_gradient: bool = True,
    isa: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Return losses [B] in float64, and their gradient by the scores [T, B, C].

    scores: float32 or float64, before the softmax. labels [B, U], lengths and counts [B] of frames
    and labels: int64, faultless. Without wants_gradient it is empty.
    """
    given = [each.contiguous() for each in (scores, labels, lengths, counts)]
    losses = torch.empty(scores.shape[1], dtype=torch.float64)
    gradient = torch.zeros_like(given[0]) if wants_gradient else given[0].new_empty(0)
    places = [each.data_ptr() for each in given]
    _native.ctc(
        scores.dtype == torch.float64,
        [*scores.shape, labels.shape[1]],
        places[0],
        places[1],
        places[2],
        places[3],
        losses.data_ptr(),
        gradient.data_ptr(),
        blank,
        torch.get_num_threads(),
        isa,
    )
    return losses, gradient

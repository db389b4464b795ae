"""Connectionist temporal classification (Graves et al., 2006): labels without their times.

A path gives each frame a label or the blank; it spells what is left when repeats are merged and
then blanks dropped. The loss is the negative log probability of all paths that spell the labels.

Letters: T frames, B batch, C classes with the blank, U labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from longshort.engine.scan import has_native
from longshort.errors import ArgumentError
from longshort.nn.blocks.ctc_lattice import NEVER, Lattice

if has_native():
    from longshort.engine.executors.native.ctc import losses_and_gradient

Ints = NDArray[np.int64]


def ctc_loss(
    scores: Tensor, labels: Tensor, lengths: Tensor, label_lengths: Tensor, *, blank: int = 0
) -> Tensor:
    """Return the negative log probability [B] of labels [B, U] under scores [T, B, C], in nats.

    scores: before the softmax; float64 is computed in that, all else in float32. lengths,
    label_lengths [B]: frames and labels of each sample, the rest is padding; a sample may have no
    labels. blank: its class.

    Raises `ArgumentError` for a sample whose frames cannot spell its labels: there must be one for
    each label, and one for the blank between two equal ones.
    """
    found: Tensor = _Loss.apply(  # type: ignore[no-untyped-call]
        scores, labels, lengths, label_lengths, blank
    )
    return found


class _Loss(torch.autograd.Function):
    """The loss, with the gradient by the forward-backward algorithm; both are computed at once."""

    @staticmethod
    def forward(
        ctx: Any, scores: Tensor, labels: Tensor, lengths: Tensor, counts: Tensor, blank: int
    ) -> Tensor:
        exact = torch.float64 if scores.dtype == torch.float64 else torch.float32
        here = scores.detach().to("cpu", exact)
        spelt, ends, known = (each.to("cpu", torch.int64) for each in (labels, lengths, counts))
        _check(scores.shape, spelt.numpy(), ends.numpy(), known.numpy(), blank)
        solve = losses_and_gradient if has_native() else in_numpy
        wanted = ctx.needs_input_grad[0]
        losses, gradient = solve(here, spelt, ends, known, blank, wants_gradient=wanted)
        _refuse_impossible(losses, spelt.numpy(), ends.numpy(), known.numpy())
        ctx.save_for_backward(gradient.to(scores))
        return losses.to(scores)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (per_score,) = ctx.saved_tensors
        return gradient[:, None] * per_score, None, None, None, None


def in_numpy(
    scores: Tensor,
    labels: Tensor,
    lengths: Tensor,
    counts: Tensor,
    blank: int,
    *,
    wants_gradient: bool = True,
) -> tuple[Tensor, Tensor]:
    """Return losses [B] and their gradient by the scores, without the native module."""
    logs = scores.log_softmax(2)
    lattice = Lattice(logs.numpy(), labels.numpy(), lengths.numpy(), counts.numpy(), blank)
    if not wants_gradient:
        return torch.from_numpy(lattice.loss()), scores.new_empty(0)
    losses, occupancy = lattice.loss_and_occupancy()
    gradient = logs.exp_() - torch.from_numpy(occupancy)
    padding = torch.arange(len(logs))[:, None] >= lengths
    return torch.from_numpy(losses), gradient.masked_fill_(padding[..., None], 0.0)


def _check(shape: torch.Size, labels: Ints, lengths: Ints, counts: Ints, blank: int) -> None:
    """Raise `ArgumentError` for shapes that do not fit, and what is outside of what there is."""
    if len(shape) != 3:
        raise ArgumentError(f"scores: three axes [T, B, C] are expected, got {list(shape)}")
    frames, batch, classes = shape
    expected = (("labels", labels, (batch, ...)), ("lengths", lengths, (batch,)),
                ("label_lengths", counts, (batch,)))  # fmt: skip
    for name, values, axes in expected:
        if values.ndim != len(axes) or len(values) != batch:
            wanted = f"[{batch}, U]" if len(axes) == 2 else f"[{batch}]"
            raise ArgumentError(
                f"{name}: the shape {wanted} is expected, for {batch} samples, got "
                f"{list(values.shape)}"
            )
    if not 0 <= blank < classes:
        raise ArgumentError(f"blank: a class from 0 to {classes - 1} is expected, got {blank}")
    for name, values, least, most in (
        ("lengths", lengths, 1, frames),
        ("label_lengths", counts, 0, labels.shape[1]),
    ):
        if values.size and not least <= values.min() <= values.max() <= most:
            raise ArgumentError(
                f"{name}: numbers from {least} to {most} are expected, got {values.min()} to "
                f"{values.max()}"
            )
    real = labels[np.arange(labels.shape[1]) < counts[:, None]]
    wrong = real[(real < 0) | (real >= classes) | (real == blank)]
    if wrong.size:
        raise ArgumentError(
            f"labels: numbers from 0 to {classes - 1} without the blank's, {blank}, are expected, "
            f"got {wrong[0]}"
        )


def _refuse_impossible(losses: Tensor, labels: Ints, lengths: Ints, counts: Ints) -> None:
    """Raise `ArgumentError` for samples that no path can spell."""
    never = np.flatnonzero(losses.numpy() > -NEVER / 2)
    if not never.size:
        return
    sample = int(never[0])
    spelt = labels[sample, : counts[sample]]
    if lengths[sample] >= len(spelt) + np.count_nonzero(spelt[1:] == spelt[:-1]):
        raise ArgumentError(
            f"scores: sample {sample} of the batch gives its labels the probability 0; a score of "
            "-inf excludes a class, so leave such labels out"
        )
    raise ArgumentError(
        f"lengths: sample {sample} of the batch has too few frames for its labels; there must be a "
        "frame for each label, and one more between two equal ones"
    )

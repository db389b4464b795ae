"""Connectionist temporal classification (Graves et al., 2006): labels without their times.

A path gives each frame a label or the blank; it spells what is left when repeats are merged and
then blanks dropped. The loss is the negative log probability of all paths that spell the labels.

Letters: T frames, B batch, C classes with the blank, U labels, S = 2 U + 1 states: the labels with
blanks around them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from longshort.errors import ArgumentError

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

_NEVER = -1e30
"""Logarithm of 0, small enough for float32 and free of the NaN that -inf - -inf is."""
_TINY = 1e-30


def ctc_loss(
    scores: Tensor, labels: Tensor, lengths: Tensor, label_lengths: Tensor, *, blank: int = 0
) -> Tensor:
    """Return the negative log probability [B] of labels [B, U] under scores [T, B, C], in nats.

    scores: before the softmax, float32 or float64. lengths, label_lengths [B]: frames and labels
    of each sample, the rest is padding; a sample may have no labels. blank: its class.

    Raises `ArgumentError` for a sample whose frames cannot spell its labels: there must be one for
    each label, and one for the blank between two equal ones.
    """
    found: Tensor = _Loss.apply(  # type: ignore[no-untyped-call]
        scores, labels, lengths, label_lengths, blank
    )
    return found


class _Loss(torch.autograd.Function):
    """The loss, with the gradient by the forward-backward algorithm.

    Both are computed at once, and in NumPy, whose operations on arrays as small as a column of the
    lattice take less time than torch's.
    """

    @staticmethod
    def forward(
        ctx: Any, scores: Tensor, labels: Tensor, lengths: Tensor, counts: Tensor, blank: int
    ) -> Tensor:
        logs = scores.detach().log_softmax(2).cpu()
        ends, known = lengths.cpu().numpy(), counts.cpu().numpy()
        lattice = _Lattice(logs.numpy(), labels.cpu().numpy(), ends, known, blank)
        if not ctx.needs_input_grad[0]:
            return torch.from_numpy(lattice.loss()).to(scores)
        losses, occupancy = lattice.loss_and_occupancy()
        gradient = logs.exp_() - torch.from_numpy(occupancy)
        padding = torch.arange(len(logs))[:, None] >= lengths.cpu()
        ctx.save_for_backward(gradient.masked_fill_(padding[..., None], 0.0).to(scores.device))
        return torch.from_numpy(losses).to(scores)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (per_score,) = ctx.saved_tensors
        return gradient[:, None] * per_score, None, None, None, None


class _Lattice:
    """The states of a batch's labels over its frames; arrays of states are [S, B].

    classes: of each state. is_real: whether the sample has this state. skips: 0 where a path may
    come from the last state but one, which is past a blank and to another label; else -1e30.
    """

    def __init__(self, logs: Floats, labels: Ints, lengths: Ints, counts: Ints, blank: int) -> None:
        _check(logs, labels, lengths, counts, blank)
        self.logs, self.lengths, self.counts = logs, lengths, counts
        states = 2 * labels.shape[1] + 1
        self.is_real = np.arange(states)[:, None] <= 2 * counts
        self.classes = np.full(self.is_real.shape, blank)
        self.classes[1::2] = np.where(self.is_real[1::2], labels.T, blank)
        self.skips = np.full(self.is_real.shape, _NEVER, logs.dtype)
        self.skips[3::2][self.classes[3::2] != self.classes[1:-2:2]] = 0.0

    def loss(self) -> Floats:
        """Return the negative log probabilities, [B]."""
        none = np.zeros_like(self.lengths)
        return self._losses(_summed(self._emitted(), self.skips, none, none))

    def loss_and_occupancy(self) -> tuple[Floats, Floats]:
        """Return the losses, and the probabilities of the frames' classes given the labels.

        With time and states reversed, the backward variables are forward variables of the reversed
        labels. So both run in one recursion, side by side. The second result is [T, B, C]; that
        it sums to 1 is seen to, since rounding errors are alike in all states of a frame.
        """
        emitted = self._emitted()
        frames, states, batch = emitted.shape
        mirrored = np.full_like(self.skips, _NEVER)
        mirrored[2:] = self.skips[:1:-1]
        none = np.zeros_like(self.lengths)
        both = _summed(
            np.concatenate([emitted, emitted[::-1, ::-1]], 2),
            np.concatenate([self.skips, mirrored], 1),
            np.concatenate([none, frames - self.lengths]),
            np.concatenate([none, states - 1 - 2 * self.counts]),
        )
        forward, backward = both[..., :batch], both[::-1, ::-1, batch:]
        losses = self._losses(forward)
        occupied = np.exp(forward + backward - emitted + losses)
        spelt = self.classes.T[..., None] == np.arange(self.logs.shape[2])
        found = occupied.transpose(2, 0, 1) @ spelt.astype(occupied.dtype)
        found /= np.maximum(found.sum(2, keepdims=True), _TINY)
        return losses, found.transpose(1, 0, 2)

    def _emitted(self) -> Floats:
        """Return the log probabilities of the states' classes, [T, S, B]; of padding -1e30."""
        frames, batch, classes = self.logs.shape
        places = self.classes + classes * np.arange(batch)
        found: Floats = np.maximum(self.logs, _NEVER).reshape(frames, -1).take(places, axis=1)
        padding = np.arange(frames)[:, None, None] >= self.lengths
        np.copyto(found, _NEVER, where=padding | ~self.is_real)
        return found

    def _losses(self, forward: Floats) -> Floats:
        """Return the losses [B] from the forward variables [T, S, B]."""
        rows = np.arange(len(self.counts))
        blanks = forward[self.lengths - 1, 2 * self.counts, rows]
        labels = forward[self.lengths - 1, 2 * self.counts - 1, rows]
        found: Floats = -np.where(self.counts > 0, np.logaddexp(blanks, labels), blanks)
        _refuse_impossible(found)
        return found


def _summed(emitted: Floats, skips: Floats, frames: Ints, states: Ints) -> Floats:
    """Return the log probabilities [T, S, B] of all ways that reach a state in a frame.

    emitted [T, S, B]: log probabilities of the states themselves. A path comes from the same state,
    the one before it, or where `skips` is 0 the one before that. frames, states [B]: the frame in
    which paths begin, in this state or the next one.
    """
    steps, count, batch = emitted.shape
    reached = np.full((steps + 1, count + 2, batch), _NEVER, emitted.dtype)
    same, before, skipped = reached[:, 2:], reached[:, 1:-1], reached[:, :-2]
    ways, most = np.empty((3, count, batch), emitted.dtype), np.empty_like(skips)
    one, two, three = ways
    begins = {t: np.flatnonzero(frames == t) for t in set(frames.tolist())}
    for t in range(steps):
        np.add(skipped[t], skips, out=three)
        np.maximum(same[t], before[t], out=most)
        np.maximum(most, three, out=most)
        np.subtract(same[t], most, out=one)
        np.subtract(before[t], most, out=two)
        np.subtract(three, most, out=three)
        np.exp(ways, out=ways)
        np.add(one, two, out=one)
        np.add(one, three, out=one)
        np.log(one, out=one)
        np.add(one, most, out=one)
        here = same[t + 1]
        np.add(one, emitted[t], out=here)
        for row in begins.get(t, ()):
            first = states[row]
            here[first : first + 2, row] = emitted[t, first : first + 2, row]
    return same[1:]


def _check(logs: Floats, labels: Ints, lengths: Ints, counts: Ints, blank: int) -> None:
    """Raise `ArgumentError` for lengths and labels outside of what there is."""
    frames, _, classes = logs.shape
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


def _refuse_impossible(losses: Floats) -> None:
    """Raise `ArgumentError` for samples that no path can spell."""
    never = np.flatnonzero(losses > -_NEVER / 2)
    if never.size:
        raise ArgumentError(
            f"lengths: sample {never[0]} of the batch has too few frames for its labels; there "
            "must be a frame for each label, and one more between two equal ones"
        )

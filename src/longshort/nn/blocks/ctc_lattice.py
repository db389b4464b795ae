"""The lattice of connectionist temporal classification, in NumPy (Graves et al., 2006).

What `ctc_loss` asks where there is no native module. Letters: T frames, B batch, C classes with the
blank, U labels, S = 2 U + 1 states: the labels with blanks around them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

NEVER = -1e30
"""Logarithm of 0, small enough for float32 and free of the NaN that -inf - -inf is."""
_TINY = 1e-30


class Lattice:
    """The states of a batch's labels over its frames; arrays of states are [S, B].

    classes: of each state. is_real: whether the sample has this state. skips: 0 where a path may
    come from the last state but one, which is past a blank and to another label; else -1e30.
    """

    def __init__(self, logs: Floats, labels: Ints, lengths: Ints, counts: Ints, blank: int) -> None:
        self.logs, self.lengths, self.counts = logs, lengths, counts
        states = 2 * labels.shape[1] + 1
        self.is_real = np.arange(states)[:, None] <= 2 * counts
        self.classes = np.full(self.is_real.shape, blank)
        self.classes[1::2] = np.where(self.is_real[1::2], labels.T, blank)
        self.skips = np.full(self.is_real.shape, NEVER, logs.dtype)
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
        mirrored = np.full_like(self.skips, NEVER)
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
        found: Floats = np.maximum(self.logs, NEVER).reshape(frames, -1).take(places, axis=1)
        padding = np.arange(frames)[:, None, None] >= self.lengths
        np.copyto(found, NEVER, where=padding | ~self.is_real)
        return found

    def _losses(self, forward: Floats) -> Floats:
        """Return the losses [B] from the forward variables [T, S, B]."""
        rows = np.arange(len(self.counts))
        blanks = forward[self.lengths - 1, 2 * self.counts, rows]
        labels = forward[self.lengths - 1, 2 * self.counts - 1, rows]
        found: Floats = -np.where(self.counts > 0, np.logaddexp(blanks, labels), blanks)
        return found


def _summed(emitted: Floats, skips: Floats, frames: Ints, states: Ints) -> Floats:
    """Return the log probabilities [T, S, B] of all ways that reach a state in a frame.

    emitted [T, S, B]: log probabilities of the states themselves. A path comes from the same state,
    the one before it, or where `skips` is 0 the one before that. frames, states [B]: the frame in
    which paths begin, in this state or the next one.
    """
    steps, count, batch = emitted.shape
    reached = np.full((steps + 1, count + 2, batch), NEVER, emitted.dtype)
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

"""When labels were said: the most probable path that spells them (forced alignment)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from longshort.decoding.ctc import Floats, check_frames, frames_needed
from longshort.errors import ArgumentError


class Span(NamedTuple):
    """A label's frames, from `first` up to but not including `stop`.

    probability: geometric mean of the label's probabilities in them.
    """

    label: int
    first: int
    stop: int
    probability: float


def align(logs: Floats, labels: Sequence[int], *, blank: int = 0) -> list[Span]:
    """Return the frames of each label on the most probable path that spells the labels.

    logs [T, C]: log probabilities of the classes. Raises `ArgumentError` if there are too few
    frames, or all such paths have the probability 0.
    """
    check_frames(logs)
    needed = frames_needed(labels)
    if len(logs) < needed:
        raise ArgumentError(f"logs: at least {needed} frames are expected, got {len(logs)}")
    classes = np.full(2 * len(labels) + 1, blank)
    classes[1::2] = labels
    path = _best_states(logs[:, classes].astype(np.float64), classes)
    return [_span(logs, label, path == 2 * n + 1) for n, label in enumerate(labels)]


def _best_states(emitted: Floats, classes: np.ndarray) -> np.ndarray:
    """Return the states [T] of the best path; emitted [T, S]: log probabilities of the states.

    A path stays in a state, goes on to the next, or past a blank to another label.
    """
    steps, states = emitted.shape
    skips = np.full(states, -np.inf)
    skips[3::2][classes[3::2] != classes[1:-2:2]] = 0.0
    best = np.full(states + 2, -np.inf)
    best[2:4] = emitted[0, :2]
    origins = np.zeros((steps, states), dtype=np.int64)
    for t in range(1, steps):
        ways = np.stack([best[2:], best[1:-1], best[:-2] + skips])
        origins[t] = ways.argmax(0)
        best[2:] = ways.max(0) + emitted[t]
    state = states - 1 - int(states > 1 and best[-2] > best[-1])
    if best[2 + state] == -np.inf:
        raise ArgumentError("labels: have the probability 0 in these frames")
    path = np.empty(steps, dtype=np.int64)
    for t in range(steps - 1, -1, -1):
        path[t] = state
        state -= origins[t, state]
    return path


def _span(logs: Floats, label: int, is_here: np.ndarray) -> Span:
    frames = np.flatnonzero(is_here)
    first, stop = int(frames[0]), int(frames[-1]) + 1
    return Span(label, first, stop, float(np.exp(logs[first:stop, label].mean())))

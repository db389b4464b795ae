"""Probabilities of predicted tags: forward-backward over a random field, in NumPy.

Letters: T time steps, B sequences, K tags. After Rabiner (1989) and Lafferty et al. (2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_TINY = 1e-300


@dataclass(frozen=True)
class Field:
    """Scores of a random field: transitions [K, K], first and last tags [K].

    With zeros everywhere tags are independent of each other.
    """

    transitions: Floats
    start: Floats
    end: Floats


@dataclass(frozen=True)
class Certainty:
    """Probabilities of the tags of one sequence, [T] each.

    tag: of each tag by itself. step: of each tag where the tag before it is right, so that a
    stretch of tags has the probability tag[0] * step[1] * step[2] and so on.
    """

    tag: Floats
    step: Floats

    def stretch(self, begin: int, end: int) -> float:
        """Return the probability that all tags from `begin` to before `end` are right."""
        return float(self.tag[begin] * self.step[begin + 1 : end].prod())

    def __add__(self, other: Certainty) -> Certainty:
        """Return the certainty of two sequences, one after the other, that are independent."""
        tag = np.concatenate([self.tag, other.tag])
        return Certainty(tag, np.concatenate([self.step, other.step]))


def certainties(scores: Floats, paths: Sequence[Sequence[int]], field: Field) -> list[Certainty]:
    """Return the probabilities of the predicted tags of B sequences under scores [T, B, K].

    paths: numbers of the tags of each sequence, as many as it has steps.
    """
    lengths = np.array([len(path) for path in paths])
    before, after = _forward(scores, field), _backward(scores, lengths, field)
    return [
        _certainty(scores[: len(path), row], before[:, row], after[:, row], path, field)
        for row, path in enumerate(paths)
    ]


def losses(
    scores: Floats, tags: NDArray[np.int64], lengths: NDArray[np.int64], field: Field
) -> Floats:
    """Return the negative log-likelihood [B] of tags [T, B] under scores [T, B, K], in nats."""
    before, rows = _forward(scores, field), np.arange(len(lengths))
    whole = _log_sum(before[lengths - 1, rows] + field.end, 1)
    within = np.arange(len(tags))[:, None] < lengths
    here = np.take_along_axis(scores, tags[..., None], 2)[..., 0] * within
    moves = field.transitions[tags[:-1], tags[1:]] * within[1:]
    ends = field.start[tags[0]] + field.end[tags[lengths - 1, rows]]
    found: Floats = whole - (here.sum(0) + moves.sum(0) + ends)
    return found


def _certainty(
    scores: Floats, before: Floats, after: Floats, path: Sequence[int], field: Field
) -> Certainty:
    steps, tags = np.arange(len(path)), np.array(path, dtype=np.int64)
    reached, left = before[steps, tags], after[steps, tags]
    whole = _log_sum(before[0] + after[0], 0)
    tag = reached + left - whole
    moved = field.transitions[tags[:-1], tags[1:]] + scores[steps[1:], tags[1:]]
    step = np.concatenate([tag[:1], moved + left[1:] - left[:-1]])
    return Certainty(np.exp(np.minimum(tag, 0.0)), np.exp(np.minimum(step, 0.0)))


def _forward(scores: Floats, field: Field) -> Floats:
    """Return the log of the sum over all paths to each tag, its own score with them, [T, B, K]."""
    found = np.empty_like(scores)
    found[0] = field.start + scores[0]
    for t in range(1, len(scores)):
        found[t] = _moved(found[t - 1], field.transitions) + scores[t]
    return found


def _backward(scores: Floats, lengths: NDArray[np.int64], field: Field) -> Floats:
    """Return the log of the sum over all paths that go on from each tag, [T, B, K]."""
    found = np.empty_like(scores)
    found[-1] = field.end
    for t in reversed(range(len(scores) - 1)):
        within = (t + 1 < lengths)[:, None]
        going = _moved(found[t + 1] + scores[t + 1], field.transitions.T)
        found[t] = np.where(within, going, field.end)
    return found


def _moved(values: Floats, transitions: Floats) -> Floats:
    """Return log(exp(values) @ exp(transitions)) for values [B, K].

    A product is fast; sums that are too small for its precision are computed from logarithms.
    """
    most, highest = values.max(1, keepdims=True), transitions.max()
    product = np.exp(values - most) @ np.exp(transitions - highest)
    found: Floats = np.log(np.maximum(product, _TINY)) + most + highest
    rows, columns = np.nonzero(product < _TINY)
    if len(rows):
        found[rows, columns] = _log_sum(values[rows] + transitions[:, columns].T, 1)
    return found


def _log_sum(values: Floats, axis: int) -> Floats:
    """Return the log of the sum of exponentials."""
    most = values.max(axis, keepdims=True)
    found: Floats = np.log(np.exp(values - most).sum(axis)) + most.squeeze(axis)
    return found

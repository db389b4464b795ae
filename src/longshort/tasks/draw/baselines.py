"""Baselines of drawings: autoregressions of order 2, and a mixture without memory.

The pen follows the frequencies of its states after the last two in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.mixture import Mixture, component_logs, point_nats
from longshort.tasks.draw.encoder import DOWN, STATES, DrawArrays
from longshort.tasks.draw.inference import Likelihoods

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOST = 30_000
"""Points to which a mixture is fitted, at most."""
_ROUNDS = 40
_LEAST = 1e-4
"""Share of the mean square of offsets that is added to every variance."""
_NONE = STATES
"""State of the pen before the first point."""


@dataclass(frozen=True)
class Points:
    """All points of several drawings in a row.

    moves [N, 2]; before [N, 4]: the two offsets before, 0 where there are none. pens [N]; last [N,
    2]: the states of the pen before. first [N]: whether a point begins a drawing.
    """

    moves: Floats
    before: Floats
    pens: Ints
    last: Ints
    first: NDArray[np.bool_]

    @staticmethod
    def of(arrays: DrawArrays) -> Points:
        """Return the points of encoded drawings."""
        parts = [*zip(*map(_of_one, arrays.moves, arrays.pens), strict=True)]
        return Points(*(np.concatenate(part) for part in parts))

    @property
    def groups(self) -> Iterator[NDArray[np.bool_]]:
        """Which points follow a pen that was down, and which a lifted one; without first ones."""
        for is_down in (True, False):
            yield ~self.first & ((self.last[:, 0] == DOWN) == is_down)


def _of_one(moves: Floats, pens: Ints) -> tuple[Floats, Floats, Ints, Ints, NDArray[np.bool_]]:
    led = np.concatenate([np.zeros((2, 2)), moves])
    states = np.concatenate([[_NONE, _NONE], pens])
    first = np.arange(len(pens)) == 0
    before, last = np.hstack([led[1:-1], led[:-2]]), np.column_stack([states[1:-1], states[:-2]])
    return moves, before, pens, last, first


def autoregression(train: DrawArrays, test: DrawArrays, count: int = 1) -> Likelihoods:
    """Offsets are linear in the last two, by least squares; one model for each state of the pen.

    count: normals of which the errors are a mixture; a single one has their covariance.
    """
    known, asked = Points.of(train), Points.of(test)
    found = np.zeros(len(asked.moves))
    for own, other in zip(known.groups, asked.groups, strict=True):
        if not own.any():
            own = ~known.first if (~known.first).any() else np.ones_like(known.first)
        inputs = _with_one(known.before[own])
        weights = np.linalg.lstsq(inputs, known.moves[own], rcond=None)[0]
        errors = known.moves[own] - inputs @ weights
        new = asked.moves[other] - _with_one(asked.before[other]) @ weights
        if count > 1:
            found[other] = point_nats(fitted(errors, count), new)
            continue
        covariance = errors.T @ errors / len(errors) + _LEAST * np.eye(2)
        found[other] = _normal(new, covariance)
    return _summed(test, found, pen_nats(known, asked))


def memoryless(train: DrawArrays, test: DrawArrays, count: int) -> Likelihoods:
    """Offsets come from a mixture of `count` normals, one mixture for each state of the pen."""
    known, asked = Points.of(train), Points.of(test)
    found = np.zeros(len(asked.moves))
    for own, other in zip(known.groups, asked.groups, strict=True):
        if not own.any():
            own = ~known.first if (~known.first).any() else np.ones_like(known.first)
        mixture = fitted(known.moves[own], count)
        found[other] = point_nats(mixture, asked.moves[other])
    return _summed(test, found, pen_nats(known, asked))


def fitted(points: Floats, count: int) -> Mixture:
    """Fit a mixture of normals to points [N, 2] by expectation and maximisation."""
    chance = np.random.default_rng(0)
    points = chance.permutation(points)[:_MOST]
    count = min(count, len(points))
    spread = np.eye(2) * (points.var(0).mean() + _LEAST)
    shares, means = np.full(count, 1 / count), points[:count] + 0.0
    covariances = np.repeat(spread[None] / count, count, 0)
    for _ in range(_ROUNDS):
        mixture = _mixture(shares, means, covariances)
        logs = component_logs(mixture, points)
        weights = np.exp(logs - logs.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        total = weights.sum(0) + 1e-9
        shares, means = total / total.sum(), weights.T @ points / total[:, None]
        for k in range(count):
            away = points - means[k]
            covariances[k] = (weights[:, k, None] * away).T @ away / total[k] + _LEAST * np.eye(2)
    return _mixture(shares, means, covariances)


def _mixture(shares: Floats, means: Floats, covariances: Floats) -> Mixture:
    deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    correlation = covariances[:, 0, 1] / deviations.prod(1)
    steep = np.arctanh(np.clip(correlation, -0.999, 0.999))
    return Mixture(np.log(shares), means.T, np.log(deviations).T, steep, np.zeros(1))


def pen_nats(known: Points, asked: Points) -> Floats:
    """Return the nats of states of the pen by their frequency after the last two."""
    counts = np.full((STATES + 1, STATES + 1, STATES), 0.5)
    np.add.at(counts, (known.last[:, 0], known.last[:, 1], known.pens), 1.0)
    shares = counts / counts.sum(-1, keepdims=True)
    found: Floats = -np.log(shares[asked.last[:, 0], asked.last[:, 1], asked.pens])
    return found


def _normal(errors: Floats, covariance: Floats) -> Floats:
    away = np.einsum("ni,ij,nj->n", errors, np.linalg.inv(covariance), errors)
    found: Floats = 0.5 * away + 0.5 * np.linalg.slogdet(covariance)[1] + math.log(2 * math.pi)
    return found


def _with_one(rows: Floats) -> Floats:
    return np.hstack([rows, np.ones((len(rows), 1))])


def _summed(arrays: DrawArrays, moves: Floats, pens: Floats) -> Likelihoods:
    """Return nats of points as sums over drawings."""
    lengths = arrays.lengths
    begins = np.cumsum(lengths) - lengths
    sums = [np.add.reduceat(each, begins) for each in (moves, pens)]
    return Likelihoods(sums[0], sums[1], lengths.astype(np.float64))

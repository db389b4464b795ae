"""Linear forecasts: a linear map from all inputs that are known at the origin to the whole horizon.

Letters: n windows, I inputs, H horizon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Piece = tuple[Floats, Floats]
"""Inputs [n, I] and targets [n, H] of some windows, both relative to the window's last value."""

RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Ridge penalties that are tried, relative to the mean square of the inputs.

The largest ones reduce many lags almost to their mean, which is optimal where steps are
independent.
"""
LEVEL = "level"
"""Name of the block without penalty: an intercept, and the value that others are relative to."""
_FREE = 1e-6
_MIN_GAIN = 0.02
"""A further block of inputs is used if it reduces the validation error by this share."""
_ROUNDS = 60
_CORNER = 0.05
"""Width of the smoothed corner of the absolute error, in standard deviations of the target."""


@dataclass(frozen=True)
class LinearMap:
    """A fitted linear map.

    weights [I, H]: over all inputs in their order; rows of inputs that are not used are 0. ridge:
    the chosen penalty.
    """

    weights: Floats
    ridge: float
    blocks: tuple[str, ...]
    """Names of the blocks of inputs that are used."""
    error: float
    """Mean squared error on the validation windows."""

    def __call__(self, inputs: Floats) -> Floats:
        """Return the forecast change from the last value, [n, H], for inputs [n, I]."""
        return inputs @ self.weights


@dataclass(frozen=True)
class _Moments:
    """Sums over n windows: x xᵀ, x yᵀ, and y² over the whole horizon."""

    gram: Floats
    cross: Floats
    square: float
    count: int

    def error(self, weights: Floats) -> float:
        """Return the mean squared error of a linear map on these windows."""
        fitted = float(np.sum(weights * (self.gram @ weights - 2 * self.cross)))
        values = max(1, self.count * int(self.cross.shape[1]))
        return (fitted + self.square) / values


def least_squares(
    train: Iterator[Piece], validate: Iterator[Piece], blocks: Mapping[str, slice]
) -> LinearMap:
    """Fit ridge regression; penalty and blocks of inputs are chosen on the validation windows.

    blocks: columns of the inputs, by name. The first block is always used. Each further one, and
    all of them together, is used if it reduces the validation error by a fiftieth.
    """
    seen, other = _moments(train), _moments(validate)
    names = list(blocks)
    first, further = names[:1], names[1:]
    sets = [first, *([*first, name] for name in further)]
    if len(further) > 1:
        sets.append(names)
    best: LinearMap | None = None
    for chosen in sets:
        found = _best_ridge(seen, other, [blocks[name] for name in chosen], tuple(chosen))
        if best is None or found.error < (1 - _MIN_GAIN) * best.error:
            best = found
    assert best is not None
    return best


def _moments(pieces: Iterator[Piece]) -> _Moments:
    gram, cross, square, count = np.zeros((1, 1)), np.zeros((1, 1)), 0.0, 0
    for x, y in pieces:
        gram, cross = gram + x.T @ x, cross + x.T @ y
        square, count = square + float(np.sum(y**2)), count + len(x)
    return _Moments(gram, cross, square, count)


def _best_ridge(
    seen: _Moments, other: _Moments, parts: list[slice], names: tuple[str, ...]
) -> LinearMap:
    rows = np.concatenate([np.arange(part.start, part.stop) for part in parts])
    held = np.concatenate(
        [np.full(part.stop - part.start, n != LEVEL) for n, part in zip(names, parts, strict=True)]
    )
    gram, cross = seen.gram[np.ix_(rows, rows)], seen.cross[rows]
    size = float(np.diag(gram)[held if held.any() else slice(None)].mean()) or 1.0
    found: list[LinearMap] = []
    for ridge in RIDGES:
        weights = np.zeros_like(seen.cross)
        penalty = np.diag(np.where(held, ridge, _FREE) * size)
        weights[rows] = np.linalg.solve(gram + penalty, cross)
        found.append(LinearMap(weights, ridge, names, other.error(weights)))
    return min(found, key=lambda each: each.error)


def least_absolute(
    train: Iterator[Piece], begin: LinearMap, used: Mapping[str, slice]
) -> LinearMap:
    """Fit the linear map with the least absolute error, starting from the least-squares solution.

    used: blocks of inputs that may have weights. The absolute error with a smoothed corner
    (pseudo-Huber; Charbonnier et al., 1994) is minimised by L-BFGS. The penalty is that of least
    squares, converted: for errors of size s, |e| corresponds to e² / 2s.
    """
    import torch

    pairs = list(train)
    x = torch.from_numpy(np.concatenate([pair[0] for pair in pairs]))
    y = torch.from_numpy(np.concatenate([pair[1] for pair in pairs]))
    free = torch.zeros(x.size(1), 1, dtype=x.dtype)
    held = torch.zeros_like(free)
    for name, part in used.items():
        free[part] = 1.0
        held[part] = float(name != LEVEL)
    spread = float((x @ torch.from_numpy(begin.weights) - y).abs().mean()) or 1.0
    corner = _CORNER * float(y.std(correction=0)) or 1.0
    size = x.square().mean(0).sqrt().clamp_min(1e-6)[:, None]
    weights = (torch.from_numpy(begin.weights) * size).requires_grad_()
    optimizer: torch.optim.Optimizer = torch.optim.LBFGS(
        [weights], max_iter=_ROUNDS, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimizer.zero_grad()
        error = x @ (weights * free / size) - y
        loss = ((error / corner).square() + 1).sqrt().mean() * corner
        loss = loss + begin.ridge / (2 * spread) * (weights * held).square().sum(0).mean()
        torch.autograd.backward(loss)
        return float(loss.detach())

    optimizer.step(closure)
    solved = (weights * free / size).detach().numpy()
    return LinearMap(np.asarray(solved, np.float64), begin.ridge, tuple(used), float("nan"))

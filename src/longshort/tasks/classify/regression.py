"""Multinomial logistic regression, iterated until it has converged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from longshort.data.grams import Bags

Floats = NDArray[np.float64]
_ROUNDS = 2_000
_KEPT = 20
"""Gradients that the curvature is estimated from."""
_GRADIENT = 3e-6
"""Largest slope of the mean loss at which the search ends; 1e-3 would cost points of accuracy."""

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Rows:
    """What a regression learns from: products of rows [n, width] with a matrix."""

    count: int
    width: int
    times: Product
    """A matrix [width, K] to [n, K]."""
    back: Product
    """A matrix [n, K] to [width, K], by the transposed rows."""


def dense(table: Floats) -> Rows:
    """Rows with every value written down."""
    rows = torch.tensor(table)
    count, width = table.shape
    return Rows(count, width, lambda matrix: rows @ matrix, lambda matrix: rows.T @ matrix)


def sparse(bags: Bags) -> Rows:
    """Rows of n-grams, multiplied in 32 bits."""
    return Rows(len(bags), bags.width, _product(bags), _product(bags.transposed()))


def _product(bags: Bags) -> Product:
    columns, begins = torch.from_numpy(bags.columns), torch.from_numpy(bags.begins[:-1])
    weights = torch.tensor(bags.weights, dtype=torch.float32)

    def times(matrix: Tensor) -> Tensor:
        found: Tensor = F.embedding_bag(
            columns, matrix.float(), begins, mode="sum", per_sample_weights=weights
        )
        return found.double()

    return times


@dataclass(frozen=True)
class Regression:
    """Weights [width, K] and biases [K]."""

    matrix: Tensor
    bias: Tensor

    @staticmethod
    def zero(width: int, classes: int) -> Regression:
        """That which knows nothing."""
        zeros = torch.zeros(width + 1, classes, dtype=torch.float64)
        return Regression(zeros[1:], zeros[0])

    def log_probabilities(self, rows: Rows) -> Tensor:
        """[n, K]."""
        return (rows.times(self.matrix) + self.bias).log_softmax(1)

    def fitted(self, rows: Rows, targets: Tensor, inverse: float) -> Regression:
        """To targets [n], with the inverse penalty C, beginning here (L-BFGS, Nocedal, 1980).

        C: how much the losses of all rows weigh against half the sum of squared weights.
        """
        classes = len(self.bias)
        penalty = 1 / (inverse * rows.count)
        known = F.one_hot(targets, classes).double()
        weights = torch.cat([self.bias[None], self.matrix]).requires_grad_()
        optimizer: Optimizer = torch.optim.LBFGS(
            [weights],
            max_iter=_ROUNDS,
            history_size=_KEPT,
            tolerance_grad=_GRADIENT,
            tolerance_change=1e-12,
            line_search_fn="strong_wolfe",
        )

        @torch.no_grad()
        def closure() -> float:
            bias, matrix = weights[0], weights[1:]
            found = (rows.times(matrix) + bias).log_softmax(1)
            slope = (found.exp() - known) / rows.count
            weights.grad = torch.cat([slope.sum(0)[None], rows.back(slope) + penalty * matrix])
            return float(-(found * known).sum() / rows.count + penalty / 2 * matrix.square().sum())

        optimizer.step(closure)
        found = weights.detach()
        return Regression(found[1:], found[0])

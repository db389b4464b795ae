"""Logistic regression of one label or of several, iterated until it converges."""

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
from longshort.tasks.classify.targets import Targets

Floats = NDArray[np.float64]
_ROUNDS = 2_000
_KEPT = 20
"""Number of gradients from which the curvature is estimated."""
_GRADIENT = 3e-6
"""Largest slope of the mean loss at which the search ends; 1e-3 would cost points of accuracy."""

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Rows:
    """Rows [n, width] of which only products with a matrix are needed."""

    count: int
    width: int
    times: Product
    """The product of the rows with a matrix [width, K], [n, K]."""
    back: Product
    """The product of the transposed rows with a matrix [n, K], [width, K]."""


def dense(table: Floats) -> Rows:
    """Return the rows of a dense table [n, width]."""
    rows = torch.tensor(table)
    count, width = table.shape
    return Rows(count, width, lambda matrix: rows @ matrix, lambda matrix: rows.T @ matrix)


def sparse(bags: Bags) -> Rows:
    """Return the rows of sparse bags of n-grams, which are multiplied in float32."""
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
    """Weights [width, K] and biases [K] of the K labels.

    It is multinomial where each sample has one label, else a regression for each label.
    """

    targets: Targets
    matrix: Tensor
    bias: Tensor

    @staticmethod
    def zero(width: int, targets: Targets) -> Regression:
        """Return a regression whose weights are all 0."""
        zeros = torch.zeros(width + 1, targets.classes, dtype=torch.float64)
        return Regression(targets, zeros[1:], zeros[0])

    def logits(self, rows: Rows) -> Tensor:
        """Return the logits of the labels, [n, K]."""
        return rows.times(self.matrix) + self.bias

    def probabilities(self, rows: Rows) -> Tensor:
        """Return the probabilities of the labels, [n, K]."""
        return self.targets.log_probabilities(self.logits(rows)).exp()

    def fitted(self, rows: Rows, known: Tensor, inverse: float) -> Regression:
        """Return the regression with the least loss, found from this one by L-BFGS (Nocedal, 1980).

        known [n, K]: 1 for the labels that a row has, else 0. inverse: the inverse penalty C, the
        weight of the losses of all rows against half the sum of squared weights.
        """
        penalty = 1 / (inverse * rows.count)
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
            logits = rows.times(matrix) + bias
            slope = (self.targets.log_probabilities(logits).exp() - known) / rows.count
            weights.grad = torch.cat([slope.sum(0)[None], rows.back(slope) + penalty * matrix])
            losses = self.targets.losses(logits, known)
            return float(losses.sum() / rows.count + penalty / 2 * matrix.square().sum())

        optimizer.step(closure)
        found = weights.detach()
        return Regression(self.targets, found[1:], found[0])

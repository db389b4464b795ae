"""What a classifier has to beat: the most frequent label, and linear models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from longshort.tasks.classify.fitted import Encoded

Floats = NDArray[np.float64]
_PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2)
_ROUNDS = 60
_MOST_GRAMS = 200_000


def majority(train: Encoded, count: int, classes: int) -> Floats:
    """Every label's share of the training part, for each of `count` examples, [count, K]."""
    shares = torch.bincount(train.targets, minlength=classes).double() / len(train.targets)
    return np.tile(shares.numpy(), (count, 1))


def bag_of_words(train: Encoded, val: Encoded, test: Encoded, classes: int) -> tuple[Floats, str]:
    """Logistic regression on tf-idf of tokens and pairs of them: probabilities [n, K], settings."""
    grams = _Grams.fit(train)
    return _regression(grams.bags(train), grams.bags(val), grams.bags(test), train, val, classes)


def statistics(train: Encoded, val: Encoded, test: Encoded, classes: int) -> tuple[Floats, str]:
    """The same on each channel's mean, deviation, least, largest, first, last and slope."""
    tables = [_table(each) for each in (train, val, test)]
    mean, deviation = tables[0].mean(0), tables[0].std(0)
    rows = [_Dense((t - mean) / np.where(deviation > 1e-8, deviation, 1.0)) for t in tables]
    return _regression(rows[0], rows[1], rows[2], train, val, classes)


class _Rows(Protocol):
    """What a regression learns from: rows of so many columns."""

    width: int

    def times(self, matrix: Tensor) -> Tensor:
        """Rows times a matrix [width, K]."""


class _Dense:
    """A table, with every value written down."""

    def __init__(self, table: Floats) -> None:
        self.table, self.width = torch.tensor(table), table.shape[1]

    def times(self, matrix: Tensor) -> Tensor:
        """Rows times a matrix [width, K]."""
        return self.table @ matrix


class _Bags:
    """Sparse rows: columns, their weights, and where each row begins."""

    def __init__(self, columns: Tensor, weights: Tensor, begins: Tensor, width: int) -> None:
        self.columns, self.weights, self.begins, self.width = columns, weights, begins, width

    def times(self, matrix: Tensor) -> Tensor:
        """Rows times a matrix [width, K]."""
        found: Tensor = F.embedding_bag(
            self.columns, matrix, self.begins, mode="sum", per_sample_weights=self.weights
        )
        return found


class _Grams:
    """Tokens and pairs of neighbours that two training texts have, with their idf."""

    def __init__(self, numbers: dict[tuple[int, ...], int], idf: Floats) -> None:
        self.numbers, self.idf = numbers, idf

    @staticmethod
    def fit(train: Encoded) -> _Grams:
        texts = Counter(gram for tokens in train.sequences for gram in set(_grams(tokens)))
        common = [(gram, n) for gram, n in texts.most_common(_MOST_GRAMS) if n > 1]
        count = len(train.sequences)
        idf = np.log((1 + count) / (1 + np.array([n for _, n in common], dtype=float))) + 1
        return _Grams({gram: i for i, (gram, _) in enumerate(common)}, idf)

    def bags(self, encoded: Encoded) -> _Bags:
        columns: list[int] = []
        weights: list[Floats] = []
        begins = []
        for tokens in encoded.sequences:
            begins.append(len(columns))
            counts = Counter(self.numbers[g] for g in _grams(tokens) if g in self.numbers)
            here = list(counts)
            value = (1 + np.log(np.array(list(counts.values()), dtype=float))) * self.idf[here]
            weights.append(value / max(float(np.linalg.norm(value)), 1e-12))
            columns += here
        joined = np.concatenate(weights) if weights else np.zeros(0)
        return _Bags(
            torch.tensor(columns, dtype=torch.int64),
            torch.tensor(joined),
            torch.tensor(begins),
            len(self.numbers),
        )


def _grams(tokens: Sequence[int] | NDArray[np.float32]) -> list[tuple[int, ...]]:
    numbers = [int(token) for token in tokens]
    return [*((token,) for token in numbers), *pairwise(numbers)]


def _table(encoded: Encoded) -> Floats:
    rows = []
    for values in encoded.sequences:
        x = np.asarray(values, dtype=float)
        time = np.linspace(-1, 1, len(x))
        slope = (time[:, None] * x).sum(0) / max(float((time**2).sum()), 1e-12)
        rows.append(np.concatenate([x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], slope]))
    return np.stack(rows)


def _regression(
    train: _Rows, val: _Rows, test: _Rows, known: Encoded, checked: Encoded, classes: int
) -> tuple[Floats, str]:
    """Multinomial, with the L2 penalty that has the best log loss on the validation part."""
    best, chosen, probabilities = np.inf, 0.0, np.zeros(0)
    for penalty in _PENALTIES:
        matrix, bias = _fit(train, known.targets, classes, penalty)
        loss = float(F.cross_entropy(val.times(matrix) + bias, checked.targets))
        if loss < best:
            best, chosen = loss, penalty
            probabilities = (test.times(matrix) + bias).softmax(1).numpy()
    return probabilities, f"has the L2 penalty {chosen:g}, chosen on the validation part"


def _fit(train: _Rows, targets: Tensor, classes: int, penalty: float) -> tuple[Tensor, Tensor]:
    matrix = torch.zeros(train.width, classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimizer: Optimizer = torch.optim.LBFGS(
        [matrix, bias], max_iter=_ROUNDS, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(train.times(matrix) + bias, targets)
        loss = loss + penalty * matrix.square().sum()
        torch.autograd.backward(loss)
        return float(loss.detach())

    optimizer.step(closure)
    return matrix.detach(), bias.detach()

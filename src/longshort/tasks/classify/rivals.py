"""What a classifier has to beat: the most frequent label, and linear models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from longshort.data.labelled import Examples
from longshort.data.tokens import find_tokeniser, suited
from longshort.tasks.classify.fitted import Encoded
from longshort.tasks.task import Tell, untold

Floats = NDArray[np.float64]
_INVERSE_PENALTIES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
"""C: how much the losses of all examples weigh against half the sum of squared weights."""
_ROUNDS = 60
_MOST_GRAMS = 200_000
Gram = tuple[str, ...]


def majority(train: Encoded, count: int, classes: int) -> Floats:
    """Every label's share of the training part, for each of `count` examples, [count, K]."""
    shares = torch.bincount(train.targets, minlength=classes).double() / len(train.targets)
    return np.tile(shares.numpy(), (count, 1))


@dataclass(frozen=True)
class Known:
    """What a rival may learn from: the examples, and their labels' numbers [n]."""

    examples: Examples
    encoded: Encoded

    @property
    def targets(self) -> Tensor:
        """Numbers of the labels, [n]."""
        return self.encoded.targets


def linear(
    train: Known, val: Known, test: Known, classes: int, tell: Tell = untold
) -> tuple[str, Floats, str]:
    """Logistic regression on what is simple: its name, probabilities [n, K], and settings.

    Of texts on tf-idf of whole texts' words and pairs of neighbours, or of characters in scripts
    without spaces, whatever the network's tokens are; of numbers on statistics of each channel.
    """
    if not train.examples.is_text:
        tables = _statistics(train.encoded, val.encoded, test.encoded)
        return "statistics", *_regression(tables, train.targets, val.targets, classes, tell)
    kind = suited([str(item) for item in train.examples.items])
    cut = find_tokeniser(kind, lowercase=True).cut
    texts = [[cut(str(item)) for item in part.examples.items] for part in (train, val, test)]
    grams = _Grams.fit(texts[0])
    bags = [grams.bags(each) for each in texts]
    return f"bag_of_{kind}", *_regression(bags, train.targets, val.targets, classes, tell)


def _statistics(train: Encoded, val: Encoded, test: Encoded) -> list[_Dense]:
    """Each channel's mean, deviation, least, largest, first, last and slope."""
    tables = [_table(each) for each in (train, val, test)]
    mean, deviation = tables[0].mean(0), tables[0].std(0)
    return [_Dense((t - mean) / np.where(deviation > 1e-8, deviation, 1.0)) for t in tables]


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

    def __init__(self, numbers: dict[Gram, int], idf: Floats) -> None:
        self.numbers, self.idf = numbers, idf

    @staticmethod
    def fit(train: Sequence[Sequence[str]]) -> _Grams:
        texts = Counter(gram for tokens in train for gram in set(_grams(tokens)))
        common = [(gram, n) for gram, n in texts.most_common(_MOST_GRAMS) if n > 1]
        count = len(train)
        idf = np.log((1 + count) / (1 + np.array([n for _, n in common], dtype=float))) + 1
        return _Grams({gram: i for i, (gram, _) in enumerate(common)}, idf)

    def bags(self, texts: Sequence[Sequence[str]]) -> _Bags:
        columns: list[int] = []
        weights: list[Floats] = []
        begins = []
        for tokens in texts:
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


def _grams(tokens: Sequence[str]) -> list[Gram]:
    return [*((token,) for token in tokens), *pairwise(tokens)]


def _table(encoded: Encoded) -> Floats:
    rows = []
    for values in encoded.sequences:
        x = np.asarray(values, dtype=float)
        time = np.linspace(-1, 1, len(x)) if len(x) > 1 else np.zeros(1)
        slope = (time[:, None] * x).sum(0) / max(float((time**2).sum()), 1e-12)
        rows.append(np.concatenate([x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], slope]))
    return np.stack(rows)


def _regression(
    rows: Sequence[_Rows], known: Tensor, checked: Tensor, classes: int, tell: Tell
) -> tuple[Floats, str]:
    """Multinomial, with the L2 penalty that has the best log loss on the validation part.

    rows: of training, validation and test; targets of the first two: `known`, `checked`.
    """
    train, val, test = rows
    best, chosen, probabilities = np.inf, 0.0, np.zeros(0)
    matrix = torch.zeros(train.width, classes, dtype=torch.float64)
    bias = torch.zeros(classes, dtype=torch.float64)
    for number, inverse in enumerate(_INVERSE_PENALTIES):
        tell("fitting the linear baseline", number, len(_INVERSE_PENALTIES))
        penalty = 1 / (2 * inverse * len(known))
        matrix, bias = _fit(train, known, penalty, matrix, bias)
        loss = float(F.cross_entropy(val.times(matrix) + bias, checked))
        if loss < best:
            best, chosen = loss, inverse
            probabilities = (test.times(matrix) + bias).softmax(1).numpy()
    return probabilities, f"has the inverse penalty C = {chosen:g}, chosen on the validation part"


def _fit(
    train: _Rows, targets: Tensor, penalty: float, matrix: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """From the weights of the next stronger penalty."""
    matrix, bias = (found.clone().requires_grad_() for found in (matrix, bias))
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

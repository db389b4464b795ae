"""A baseline for sequences: fixed convolutions, and a ridge regression on their responses.

After MiniRocket (Dempster et al., 2021): all kernels of nine weights of which six are -1 and three
are 2, at several dilations. A feature is the share of steps at which a response is above a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from longshort.data.padding import pad_arrays
from longshort.data.sequences import Sequences

Floats = NDArray[np.float64]
Values = NDArray[np.float32]
_TAPS = tuple(combinations(range(9), 3))
_FEATURES, _FEWER = 10_000, 2_000
_MANY, _MOST = 1_500, 10_000
"""Training sequences above which there are fewer features, and the most that are learned."""
_WORK = 2_000_000_000
"""Comparisons of the training split above which there are fewer features, too."""
_RESPONSES = 200
"""Number of training sequences from which thresholds are taken."""
_BLOCK = 1 << 21
"""Number of values in memory at once."""
_GOLDEN = (np.sqrt(5) + 1) / 2
_PENALTIES = np.logspace(-3, 3, 13)
_SHARPNESS = np.logspace(-0.5, 1.5, 21)


def convolution_features(train: Sequences, test: Sequences, classes: int) -> tuple[Floats, str]:
    """Return probabilities [n, K] of the test sequences, and a note on the features.

    classes: number of labels, K.
    """
    chosen = np.random.default_rng(0).permutation(len(train.items))[:_MOST]
    learned = train.take(np.sort(chosen).tolist())
    kernels = _Kernels.fit(learned)
    known = kernels.features(learned)
    mean, deviation = known.mean(0), known.std(0)
    scale = np.where(deviation > 1e-6, deviation, 1.0)
    known = (known - mean) / scale
    asked = (kernels.features(test) - mean) / scale
    p, penalty = _ridge(known, learned.targets, asked, classes)
    note = (
        f"has {known.shape[1]:,} features and the penalty {penalty:.3g}, chosen by leaving out "
        "each training sequence in turn"
    )
    if len(known) < len(train.items):
        note += f"; it is fitted to {len(known):,} of {len(train.items):,} of them"
    return p, note


@dataclass(frozen=True)
class _Kernel:
    """A kernel of nine weights, -1 but for three that are 2.

    taps: places of the three; dilation: steps between neighbours; channels: those it sums.
    """

    taps: tuple[int, int, int]
    dilation: int
    channels: NDArray[np.int64]

    def responses(self, x: Values, lengths: NDArray[np.int64]) -> Values:
        """Return the kernel's responses [n, T] to x [n, T, F], with zeros around each sequence.

        They are -inf behind the end of a sequence.
        """
        steps, reach = x.shape[1], 4 * self.dilation
        one = x[:, :, self.channels].sum(2) if len(self.channels) > 1 else x[:, :, self.channels[0]]
        wide = np.pad(one, ((0, 0), (reach, reach)))
        shifted = [wide[:, i * self.dilation :][:, :steps] for i in range(9)]
        total = np.add.reduce(shifted)
        found: Values = 3 * np.add.reduce([shifted[i] for i in self.taps]) - total
        found[np.arange(steps) >= lengths[:, None]] = -np.inf
        return found


@dataclass(frozen=True)
class _Kernels:
    """Kernels, and the thresholds [Q] of each."""

    kernels: list[_Kernel]
    thresholds: list[Values]

    @staticmethod
    def fit(train: Sequences) -> _Kernels:
        """Choose kernels and thresholds by the training split.

        Dilations reach over half of the median length; thresholds are quantiles of responses.
        """
        draw = np.random.default_rng(0)
        lengths, channels = train.lengths, np.shape(train.items[0])[1]
        steps = int(np.median(lengths))
        dilations = [1]
        while 2 * dilations[-1] <= (steps - 1) / 8:
            dilations.append(2 * dilations[-1])
        each = max(1, _count(lengths) // (len(_TAPS) * len(dilations)))
        some = draw.permutation(len(lengths))[:_RESPONSES]
        x, sizes = _padded(train.take(some.tolist()))
        kernels, thresholds = [], []
        for number, (dilation, taps) in enumerate((d, t) for d in dilations for t in _TAPS):
            most = np.log2(min(channels, 9) + 1)
            size = int(2 ** draw.uniform(0, most))
            kernel = _Kernel(taps, dilation, draw.permutation(channels)[:size])
            response = kernel.responses(x, sizes)
            places = (np.arange(1, each + 1) + number * each) * _GOLDEN % 1
            kernels.append(kernel)
            thresholds.append(np.quantile(response[np.isfinite(response)], places).astype("f4"))
        return _Kernels(kernels, thresholds)

    def features(self, encoded: Sequences) -> Values:
        """Return for each sequence the shares of steps above the thresholds, [n, kernels · Q]."""
        rows = max(1, _BLOCK // int(encoded.lengths.max()))
        found = []
        for begin in range(0, len(encoded.items), rows):
            x, lengths = _padded(encoded.take(range(len(encoded.items))[begin : begin + rows]))
            columns = []
            for kernel, thresholds in zip(self.kernels, self.thresholds, strict=True):
                response = kernel.responses(x, lengths)
                above = [np.count_nonzero(response > least, axis=1) for least in thresholds]
                columns.append(np.stack(above, 1) / lengths[:, None])
            found.append(np.concatenate(columns, 1).astype(np.float32))
        return np.concatenate(found)


def _count(lengths: NDArray[np.int64]) -> int:
    """Return the number of features for training sequences of these lengths."""
    most = _FEATURES if len(lengths) <= _MANY else _FEWER
    return max(min(_FEWER, most), min(most, _WORK // int(lengths.sum())))


def _padded(encoded: Sequences) -> tuple[Values, NDArray[np.int64]]:
    x, lengths = pad_arrays([np.asarray(each, dtype=np.float32) for each in encoded.items])
    return np.ascontiguousarray(x.transpose(1, 0, 2)), lengths


def _ridge(
    known: Values, labels: NDArray[np.int64], asked: Values, classes: int
) -> tuple[Floats, float]:
    """Return probabilities [n, K] of the asked rows, and the penalty.

    known [m, F], labels [m]: the training rows; asked: [n, F]. Targets are 1 and -1. The penalty
    has the least squared error, and a softmax with the sharpness of least log loss turns scores
    into probabilities; both are judged with each training row left out in turn.
    """
    targets = 2.0 * np.eye(classes)[labels] - 1.0
    mean = targets.mean(0)
    path = _Dual(known) if len(known) <= known.shape[1] else _Primal(known)
    left_out = [targets - path.residuals(targets - mean, alpha) for alpha in _PENALTIES]
    best = int(np.argmin([np.square(targets - each).mean() for each in left_out]))
    penalty = float(_PENALTIES[best])
    rows = np.arange(len(labels))
    losses = [-_log_softmax(s * left_out[best])[rows, labels].mean() for s in _SHARPNESS]
    scores = path.scores(asked, targets - mean, penalty) + mean
    return np.exp(_log_softmax(_SHARPNESS[int(np.argmin(losses))] * scores)), penalty


def _log_softmax(x: Floats) -> Floats:
    x = x - x.max(1, keepdims=True)
    found: Floats = x - np.log(np.exp(x).sum(1, keepdims=True))
    return found


class _Dual:
    """Ridge regression by the products of rows, for fewer rows [n, F] than columns."""

    def __init__(self, rows: Values) -> None:
        self.rows = rows
        products = (rows @ rows.T).astype(float)
        # Columns have the mean 0. The targets' mean is known: it has no share in the residuals.
        products += np.trace(products)
        self.values, self.vectors = np.linalg.eigh(products)

    def residuals(self, targets: Floats, penalty: float) -> Floats:
        """Return the errors [n, K] of each row's targets, predicted from all other rows."""
        shares = penalty / (np.maximum(self.values, 0.0) + penalty)
        left = (self.vectors * shares) @ (self.vectors.T @ targets)
        found: Floats = left / np.square(self.vectors).dot(shares)[:, None]
        return found

    def scores(self, asked: Values, targets: Floats, penalty: float) -> Floats:
        """Return predictions [m, K] for other rows, asked [m, F]."""
        shares = 1 / (np.maximum(self.values, 0.0) + penalty)
        weights = (self.vectors * shares) @ (self.vectors.T @ targets)
        found: Floats = asked @ (self.rows.T @ weights)
        return found


class _Primal:
    """Ridge regression by the products of columns, for fewer columns than rows."""

    def __init__(self, rows: Values) -> None:
        self.rows = rows
        self.values, self.vectors = np.linalg.eigh((rows.T @ rows).astype(float))

    def residuals(self, targets: Floats, penalty: float) -> Floats:
        """Return the errors [n, K] of each row's targets, predicted from all other rows."""
        turned = self.rows @ self.vectors
        shares = 1 / (np.maximum(self.values, 0.0) + penalty)
        reach = np.square(turned).dot(shares) + 1 / len(turned)
        left = targets - turned @ (shares[:, None] * (turned.T @ targets))
        found: Floats = left / (1 - reach)[:, None]
        return found

    def scores(self, asked: Values, targets: Floats, penalty: float) -> Floats:
        """Return predictions [m, K] for other rows, asked [m, F]."""
        shares = 1 / (np.maximum(self.values, 0.0) + penalty)
        weights = (self.vectors * shares) @ (self.vectors.T @ (self.rows.T @ targets))
        found: Floats = asked @ weights
        return found

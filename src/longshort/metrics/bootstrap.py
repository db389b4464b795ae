"""Paired bootstrap of a metric that is computed from sums over samples, such as F1 or BLEU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.significance import Comparison, Outcome

Score = Callable[[NDArray[Any]], Any]
"""Function of sums of statistics in the last axis, [..., k], that returns the metric, [...]."""

_RESAMPLES = 1000
_MIN_SAMPLES = 30


def compare_sums(
    model: NDArray[Any], baseline: NDArray[Any], score: Score, least: float = 0.001
) -> Comparison:
    """Compare a metric of a model and a baseline over all samples, with a 95 % interval.

    model, baseline: statistics of the same samples, [n, k], whose sums give the metric by `score`.
    least: smallest difference that counts; a smaller one is "equal", however certain. The interval
    comes from a paired bootstrap over samples (Efron, 1979; Koehn, 2004); below 30 samples the
    outcome is "too few".
    """
    gain = float(score(model.sum(0)) - score(baseline.sum(0)))
    if len(model) < _MIN_SAMPLES:
        return Comparison("too few", gain, None, None)
    draw = np.random.default_rng(0)
    drawn = draw.multinomial(len(model), np.full(len(model), 1 / len(model)), _RESAMPLES)
    gains = score(drawn @ model) - score(drawn @ baseline)
    low, high = (float(v) for v in np.quantile(gains, [0.025, 0.975]))
    outcome: Outcome = "better" if low > 0 else "worse" if high < 0 else "equal"
    return Comparison("equal" if abs(gain) < least else outcome, gain, low, high)


def mean(sums: NDArray[Any]) -> Any:
    """Return the mean score from sums of the statistics of `scored`: [..., 2] -> [...]."""
    return sums[..., 0] / sums[..., 1]


def scored(scores: NDArray[Any]) -> NDArray[Any]:
    """Return scores [n] of single samples, such as ROUGE, as statistics [n, 2] for `mean`.

    The columns are the score and 1.
    """
    return np.stack([scores, np.ones(len(scores))], axis=1)


def interval_of_mean(values: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Return the ends of the 95 % interval of the mean over n samples [n, …], as [2, …].

    By a bootstrap over samples, which are taken for independent.
    """
    draw = np.random.default_rng(seed)
    count = len(values)
    drawn = draw.multinomial(count, np.full(count, 1 / count), _RESAMPLES) / count
    means = np.tensordot(drawn, values, axes=1)
    found: NDArray[np.float64] = np.quantile(means, [0.025, 0.975], axis=0)
    return found

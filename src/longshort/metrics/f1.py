"""F1 over all decisions of many samples, and whether two of them differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.significance import Comparison

Ints = NDArray[np.int64]

_RESAMPLES = 1000
_MIN_SAMPLES, _MIN_TRUE = 30, 20
_MIN_GAIN = 0.001


def f1(counts: NDArray[Any]) -> Any:
    """F1 of right, predicted and true ones in the last axis [..., 3]; 0 where it is undefined."""
    return 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)


def compare_f1(model: Ints, rival: Ints) -> Comparison:
    """Difference of F1 over all samples, with a 95 % interval.

    model, rival [n, 3]: for each of the same samples how many decisions are right, predicted and
    true, such as entities of a sentence or labels of a text. The interval comes from a paired
    bootstrap over samples (Efron, 1979); below 30 samples or 20 true ones nothing is said.
    """
    gain = float(f1(model.sum(0)) - f1(rival.sum(0)))
    if len(model) < _MIN_SAMPLES or model[:, 2].sum() < _MIN_TRUE:
        return Comparison("too few", gain, None, None)
    draw = np.random.default_rng(0)
    drawn = draw.multinomial(len(model), np.full(len(model), 1 / len(model)), _RESAMPLES)
    gains = f1(drawn @ model) - f1(drawn @ rival)
    low, high = (float(v) for v in np.quantile(gains, [0.025, 0.975]))
    if abs(gain) < _MIN_GAIN or low <= 0 <= high:
        return Comparison("equal", gain, low, high)
    return Comparison("better" if low > 0 else "worse", gain, low, high)

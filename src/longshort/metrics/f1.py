"""F1 over all decisions of many samples, and the comparison of two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.bootstrap import compare_sums
from longshort.metrics.significance import Comparison

Ints = NDArray[np.int64]

_MIN_TRUE = 20


def f1(counts: NDArray[Any]) -> Any:
    """Return the F1 from counts in the last axis: [..., 3] -> [...]; 0 if it is undefined.

    counts: numbers of right, predicted and true decisions.
    """
    return 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)


def compare_f1(model: Ints, baseline: Ints) -> Comparison:
    """Compare the F1 of a model and a baseline over all samples, with a 95 % interval.

    model, baseline: numbers of right, predicted and true decisions for each of the same samples,
    [n, 3], such as entities of a sentence or labels of a text. Below 30 samples or 20 true
    decisions the outcome is "too few". See `compare_sums`.
    """
    if model[:, 2].sum() < _MIN_TRUE:
        gain = float(f1(model.sum(0)) - f1(baseline.sum(0)))
        return Comparison("too few", gain, None, None)
    return compare_sums(model, baseline, f1)

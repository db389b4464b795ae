"""F1 over all decisions of many samples, and whether two of them differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.bootstrap import compare_sums
from longshort.metrics.significance import Comparison

Ints = NDArray[np.int64]

_MIN_TRUE = 20


def f1(counts: NDArray[Any]) -> Any:
    """F1 of right, predicted and true ones in the last axis [..., 3]; 0 where it is undefined."""
    return 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)


def compare_f1(model: Ints, rival: Ints) -> Comparison:
    """Difference of F1 over all samples, with a 95 % interval by `compare_sums`.

    model, rival [n, 3]: for each of the same samples how many decisions are right, predicted and
    true, such as entities of a sentence or labels of a text. Below 30 samples or 20 true ones
    nothing is said.
    """
    if model[:, 2].sum() < _MIN_TRUE:
        gain = float(f1(model.sum(0)) - f1(rival.sum(0)))
        return Comparison("too few", gain, None, None)
    return compare_sums(model, rival, f1)

"""Inference on samples that are independent of each other, in batches of similar length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.in_order import in_order_of_length

Floats = NDArray[np.float64]


def in_batches(arrays: Any, outputs: Callable[[Any], Floats], together: int = 128) -> Floats:
    """Run outputs over all encoded samples, in batches of similar length; returns them [n, …].

    arrays: encoded samples (`Encoded.arrays`). outputs: maps a batch of arrays to a row for each
    of its samples, by `Model.call`. together: batch size.
    """
    order = in_order_of_length(arrays.lengths, together)
    parts = [outputs(arrays.batch(numbers)) for numbers in order]
    found = np.empty((len(arrays.lengths), *parts[0].shape[1:]))
    found[np.concatenate(order)] = np.concatenate(parts)
    return found

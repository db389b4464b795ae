"""Batches for inference, in order of length, so that there is little padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.padding import MOST_STEPS

Ints = NDArray[np.int64]


def in_order_of_length(lengths: Ints, batch_size: int) -> list[Ints]:
    """Return batches as numbers of samples: each once, longest first.

    No batch has more than `MOST_STEPS` steps, padding included, unless it is a single sample.
    lengths: [n].
    """
    order = np.argsort(-lengths, kind="stable")
    pieces = (order[i : i + batch_size] for i in range(0, len(order), batch_size))
    return [part for piece in pieces for part in _bounded(piece, lengths)]


def _bounded(batch: Ints, lengths: Ints) -> list[Ints]:
    """Divide a batch into as many pieces of nearly equal size as the bound requires."""
    rows = max(1, MOST_STEPS // max(1, int(lengths[batch].max())))
    return np.array_split(batch, -(-len(batch) // rows))

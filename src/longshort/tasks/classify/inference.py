"""Prediction of a trained classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import Batch, Sequences
from longshort.runs.inference import in_batches
from longshort.tasks.classify.targets import Targets

Floats = NDArray[np.float64]


def probabilities(call: Callable[..., Any], targets: Targets, samples: Sequences) -> Floats:
    """Return the probabilities [n, K] of every label, averaged over the networks.

    call: calls functions of the network (`Model.call`).
    """

    def of(batch: Batch) -> Floats:
        logits = call("logits", replace(batch, targets=None))
        found: Floats = targets.shares(logits.astype(np.float64)).mean(0)
        return found

    return in_batches(samples, of)

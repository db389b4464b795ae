"""The loss on validation lines, beside the error rate."""

from __future__ import annotations

import numpy as np

from longshort.decoding.ctc import frames_needed
from longshort.nn.blocks.columns import steps_of
from longshort.runs.tensors import on_device
from longshort.tasks.read.encoder import LineArrays
from longshort.tasks.read.inference import TOGETHER, ReadModelOf


def mean_loss(model: ReadModelOf, arrays: LineArrays) -> float:
    """Return nats per sign, of the lines that CTC can spell; to be called without gradients."""
    assert arrays.labels is not None
    steps = [steps_of(int(n)) if arrays.encoder.kind == "pictures" else -(-int(n) // 2)
             for n in arrays.lengths]  # fmt: skip
    fits = [i for i, labels in enumerate(arrays.labels)
            if len(labels) and frames_needed(labels.tolist()) <= steps[i]]  # fmt: skip
    order = np.array(sorted(fits, key=lambda i: steps[i]), dtype=np.int64)
    total = signs = 0.0
    for begin in range(0, len(order), TOGETHER):
        batch = on_device(arrays.batch(order[begin : begin + TOGETHER]), model.device)
        total += float(model.network.losses(batch).sum())
        signs += float(batch.label_lengths.sum())
    return total / max(signs, 1.0)

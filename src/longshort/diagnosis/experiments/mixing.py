"""Samples of a batch: whether the answer to one depends on the others."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of, given
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure how far the last sample's output moves when the other samples change places.

    mixed: that movement over the outputs' deviation, in evaluation mode. It is 0 for a network that
    treats samples independently, and above where batch and time are swapped.
    """
    batch = subject.batches[0]
    targets = subject.targets(batch)
    if targets is None or not targets.dim() or len(targets) < 3:
        return None
    count = len(targets)
    with subject.untouched(), torch.no_grad():
        subject.module.eval()
        before = call_of(subject, batch)
        if before is None or before.output.dim() == 0:
            return None
        axis = _axis(before.values, count)
        if axis is None or before.output.size(0) != count:
            return None
        subject.forget()
        order = torch.tensor([*range(count - 2, -1, -1), count - 1])
        with given(subject.module, lambda x: _reordered(x, order, axis)):
            after = call_of(subject, batch)
        assert after is not None
    moved = float((after.output[-1] - before.output[-1]).abs().max())
    share = moved / max(float(before.output.std()), 1e-12)
    said = f"the last sample's output moves by {share:.2g} deviations when others change places"
    return Measured(said, {"mixed": share})


def _axis(values: list[Tensor], count: int) -> int | None:
    """Return the axis of the samples: the first one of their number, in every input."""
    axes = [[n for n, size in enumerate(x.shape) if size == count] for x in values]
    return axes[0][0] if axes and all(axes) else None


def _reordered(x: Tensor, order: Tensor, axis: int) -> Tensor:
    return x.index_select(axis, order) if x.size(axis) == len(order) else x

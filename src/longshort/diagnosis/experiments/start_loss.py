"""The loss before training, beside what a network that knows nothing should have."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure the mean loss of the first batches over its expected value.

    ratio: that quotient; expected are ln K for K classes, and the mean square for real numbers.
    """
    values, expected = [], []
    with subject.untouched(), torch.no_grad():
        subject.begin()
        subject.module.eval()
        for batch in subject.batches[:8]:
            call, targets = call_of(subject, batch), subject.targets(batch)
            if call is None or targets is None:
                return None
            guess = _expected(call.output, targets)
            if guess is None:
                return None
            values.append(float(call.loss))
            expected.append(guess)
    loss, wanted = sum(values) / len(values), sum(expected) / len(expected)
    ratio = loss / wanted if wanted > 0 and math.isfinite(loss) else math.inf
    return Measured(f"the untrained loss is {loss:.4g}, expected {wanted:.4g}", {"ratio": ratio})


def _expected(output: Tensor, targets: Tensor) -> float | None:
    if targets.is_floating_point():
        return float(targets.square().mean())
    classes = output.size(-1)
    if classes < 2 or output[..., 0].numel() != targets.numel():
        return None
    return math.log(classes)

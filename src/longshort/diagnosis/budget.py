"""How long trainings of an examination may be."""

from __future__ import annotations

import time
from typing import Any

import torch

from longshort.diagnosis.subject import Subject

_TRIALS, _SHARE, _LEAST = 10, 0.7, 64


def steps_within(subject: Subject, budget: float) -> int:
    """Return how many steps a training may have, so that ten of them take 70 % of the seconds.

    A power of two, so that it does not depend on small differences of speed.
    """
    batches: list[Any] = list(subject.batches[:4])
    with subject.untouched():
        subject.module.train()
        torch.autograd.backward(subject.loss(batches[0]))
        begin = time.monotonic()
        for batch in batches:
            subject.forget()
            torch.autograd.backward(subject.loss(batch))
        seconds = (time.monotonic() - begin) / len(batches)
    affordable = budget * _SHARE / _TRIALS / max(seconds * 1.3, 1e-6)
    power = 1 << max(0, int(affordable).bit_length() - 1)
    return max(_LEAST, power)

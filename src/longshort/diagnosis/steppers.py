"""Optimisers as the subject has them, for experiments that take steps of their own."""

from __future__ import annotations

import torch
from torch.optim import Optimizer

from longshort.diagnosis.subject import Subject, trainable

_MOMENTUM = 0.9


def stepper_of(subject: Subject) -> Optimizer:
    """Return a new optimiser of the subject's kind and rate over all weights; Adam by default."""
    settings = subject.settings
    rate = float(settings.get("learning_rate", 0.003))
    decay = float(settings.get("weight_decay", 0.0))
    weights = trainable(subject.module)
    kind = str(settings.get("optimizer", "adam")).lower()
    if kind == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=_MOMENTUM, weight_decay=decay)
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay)

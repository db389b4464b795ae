"""Training and validation data beside each other: shared samples, shared scales, shown targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

_FEWEST = 20


def measure(subject: Subject) -> Measured | None:
    """Measure what validation inputs owe to training, and inputs to targets.

    shared: share of validation samples that are training samples too. pooled: how much closer to
    mean 0 and deviation 1 all inputs are together than those of training alone, which is so where a
    scaler was fitted on all. shown: largest share of samples in which a single input equals the
    target.
    """
    train, targets = _rows(subject, subject.batches)
    if train is None:
        return None
    found = {"shared": 0.0, "pooled": 0.0, "shown": 0.0}
    val = _rows(subject, subject.val_batches)[0]
    if val is not None and val.shape[1:] == train.shape[1:] and len(val) >= _FEWEST:
        # Chunks of a stream are no samples: short ones of few symbols are often equal.
        found["shared"] = 0.0 if subject.carries_state else _shared(train, val)
        if train.is_floating_point():
            found["pooled"] = _pooled(train, val)
    if targets is not None and train.is_floating_point():
        found["shown"] = _shown(train, targets)
    said = (
        f"{found['shared']:.1%} of the validation samples are in training; an input equals the "
        f"target in {found['shown']:.1%} of the samples"
    )
    return Measured(said, found)


def _rows(subject: Subject, batches: Iterable[Any]) -> tuple[Tensor | None, Tensor | None]:
    """Return the first input of all batches as rows [n, …], and targets [n] of real numbers."""
    rows, targets = [], []
    with subject.untouched(), torch.no_grad():
        subject.module.eval()
        for batch in batches:
            call, given = call_of(subject, batch), subject.targets(batch)
            if call is None or given is None or not call.values:
                return None, None
            x = call.values[0]
            if x.size(0) != len(given):
                return None, None
            rows.append(x)
            targets.append(given)
    if not rows or len({x.shape[1:] for x in rows}) > 1 or len({y.shape[1:] for y in targets}) > 1:
        return None, None
    y = torch.cat(targets)
    is_one = y.is_floating_point() and y[0].numel() == 1
    return torch.cat(rows), y.reshape(-1) if is_one else None


def _shared(train: Tensor, val: Tensor) -> float:
    """Return the share of validation rows that are in training, beyond what is usual within it.

    Short sequences of few symbols are equal by chance, within training as well.
    """
    rows = Counter(row.numpy().tobytes() for row in train.flatten(1).contiguous())
    usual = sum(count for count in rows.values() if count > 1) / len(train)
    shared = sum(row.numpy().tobytes() in rows for row in val.flatten(1).contiguous()) / len(val)
    return max(0.0, (shared - usual) / max(1.0 - usual, 1e-12))


def _pooled(train: Tensor, val: Tensor) -> float:
    """Return the distance from mean 0 and deviation 1 of training, over that of all together."""
    alone = _distance(train.reshape(-1, train.size(-1)))
    both = torch.cat([train, val])
    together = _distance(both.reshape(-1, both.size(-1)))
    return alone / max(together, 1e-6) if alone > 1e-3 else 0.0


def _distance(values: Tensor) -> float:
    values = values.double()
    return float((values.mean(0).abs() + (values.std(0) - 1.0).abs()).max())


def _shown(train: Tensor, targets: Tensor) -> float:
    same = train.flatten(1) == targets[:, None]
    return float(same.double().mean(0).max()) if torch.unique(targets).numel() > 2 else 0.0

"""The order of the batches: whether each one holds what all hold together."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.repairs import can_be_mixed
from longshort.diagnosis.subject import Subject

_FEWEST = 4


def measure(subject: Subject) -> Measured | None:
    """Measure how alike batches are in their targets.

    sorted: share of the targets' entropy, or variance, that lies between batches beyond what random
    batches have; 0 for random order, 1 where a batch has one target alone. rarest: share of the
    rarest class.
    """
    targets = [subject.targets(batch) for batch in subject.batches]
    known = [y for y in targets if y is not None and y.dim() == 1]
    if len(known) < _FEWEST or len(known) < len(targets):
        return None
    if known[0].is_floating_point():
        share = _between_variance(known)
        return Measured(
            f"{share:.0%} of the targets' variance lies between batches", {"sorted": share}
        )
    counts = torch.bincount(torch.cat(known))
    rarest = float(counts[counts > 0].min() / counts.sum())
    whole = _entropy(torch.cat(known))
    inside = sum(_entropy(y) * len(y) for y in known) / sum(map(len, known))
    # Random batches of n samples lack about (K - 1) / 2n nats of entropy (Miller, 1955).
    bias = (int((counts > 0).sum()) - 1) / (2 * len(known[0]))
    share = max(0.0, (whole - inside - bias) / whole) if whole else 0.0
    said = (
        f"batches lack {share:.0%} of the entropy of all labels; the rarest label has {rarest:.2%}"
    )
    sortable = 1.0 if can_be_mixed(subject.batches) else 0.0
    return Measured(said, {"sorted": share, "rarest": rarest, "mixable": sortable})


def _entropy(labels: Tensor) -> float:
    shares = torch.bincount(labels).double() / len(labels)
    return -sum(float(p) * math.log(float(p)) for p in shares if p > 0)


def _between_variance(parts: list[Tensor]) -> float:
    whole = float(torch.cat(parts).double().var())
    inside = sum(float(y.double().var()) for y in parts if len(y) > 1) / len(parts)
    return max(0.0, 1.0 - inside / whole) if whole > 0 else 0.0

"""Further checks of attributions: random weights, and other seeds (Adebayo et al., 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from longshort.errors import ConfigError
from longshort.explanation.attribution import Attribution
from longshort.explanation.faithfulness import agreement
from longshort.explanation.methods import attribute
from longshort.explanation.row import Check
from longshort.runs.explaining import Question, Subject

_ALIKE, _REPEATED = 0.3, 0.9
_REDRAWN = 3


def further_checks(
    subject: Subject, question: Question, found: dict[str, Attribution], seed: int
) -> list[Check]:
    """Check each method: random weights must change it, and another seed must not."""
    checks: list[Check] = []
    for name, each in found.items():
        checks.append(_randomised(subject, question, name, each, seed))
        if each.seed is not None:
            again = attribute(name, subject, question, each.baseline, seed + 1)
            value = agreement(each, again, question)
            text = f"agrees with another seed by a rank correlation of {value:.2f}"
            checks.append((f"{name}: seed", value >= _REPEATED, f"{text} (at least {_REPEATED})"))
    return checks


def _randomised(
    subject: Subject, question: Question, name: str, own: Attribution, seed: int
) -> Check:
    """Compare with the same network with shuffled weights, several times.

    That the map changes is necessary, not sufficient: an empty map passes.
    """
    values = []
    for number in range(_REDRAWN):
        with shuffled(subject.network, seed + number):
            try:
                other = attribute(name, subject, question, own.baseline, seed)
            except ConfigError:
                continue
            values.append(agreement(own, other, question))
    known = [value for value in values if value == value]
    mean = sum(known) / len(known) if known else 0.0
    text = f"agrees with random weights by a mean rank correlation of {mean:.2f}"
    return f"{name}: random weights", abs(mean) < _ALIKE, f"{text} (less than {_ALIKE})"


@contextmanager
def shuffled(network: nn.Module, seed: int) -> Iterator[None]:
    """Shuffle the values of every weight within the block, and put them back after it."""
    draw = torch.Generator().manual_seed(seed)
    before = {name: value.clone() for name, value in network.named_parameters()}
    try:
        with torch.no_grad():
            for value in network.parameters():
                order = torch.randperm(value.numel(), generator=draw).to(value.device)
                value.copy_(value.flatten()[order].view_as(value))
        yield
    finally:
        with torch.no_grad():
            for name, value in network.named_parameters():
                value.copy_(before[name])

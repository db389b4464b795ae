"""Noise in the labels: a certainty that no input exceeds."""

from __future__ import annotations

import torch

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.of_module import ModuleSubject
from longshort.diagnosis.subject import Subject

_SKILL, _SPREAD, _LONGER = 1.4, 0.15, 3
_TURN = 7
"""Stretch of the training, of 8, before which the best score has to lie."""


def measure(subject: Subject) -> Measured | None:
    """Train by a step of our own, and measure how sure the network is on validation samples.

    ceiling: probability that 19 of 20 answers stay below. spread: deviation of these probabilities.
    skill: share of right answers over that of the most frequent label. With labels that were
    exchanged at random every answer is equally unsure; where classes overlap, some are sure.
    contradiction: 1 - ceiling where there is skill, the spread is small, and more training does not
    help; else 0.
    """
    if not isinstance(subject, ModuleSubject) or not subject.val_batches:
        return None
    targets = subject.targets(subject.batches[0])
    if targets is None or targets.is_floating_point():
        return None
    tops, hits, labels = [], [], []
    with subject.untouched():
        longer = {"own_step": True, "epochs": _LONGER * subject.epochs}
        turned = subject.learn(longer).best_at < _TURN
        subject.module.eval()
        with torch.no_grad():
            for batch in subject.val_batches:
                call, given = call_of(subject, batch), subject.targets(batch)
                if call is None or given is None or call.output.shape[:-1] != given.shape:
                    return None
                top, answer = call.output.softmax(-1).max(-1)
                known = given >= 0
                tops.append(top[known])
                hits.append((answer == given)[known])
                labels.append(given[known])
    sure, right = torch.cat(tops).double(), float(torch.cat(hits).double().mean())
    usual = float(torch.bincount(torch.cat(labels)).max()) / len(sure)
    ceiling, spread = float(sure.quantile(0.95)), float(sure.std())
    said = (
        f"{right:.0%} of the answers are right; 19 of 20 are less sure than {ceiling:.2f} "
        f"(deviation {spread:.2f})"
    )
    skill = right / usual
    is_even = turned and skill > _SKILL and spread < _SPREAD
    numbers = {
        "ceiling": ceiling,
        "spread": spread,
        "skill": skill,
        "contradiction": 1.0 - ceiling if is_even else 0.0,
    }
    return Measured(said, numbers)

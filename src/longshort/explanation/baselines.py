"""Baseline inputs: what an input is compared with, and what deleted cells are replaced by."""

from __future__ import annotations

import numpy as np

from longshort.errors import ConfigError, nearest
from longshort.runs.explaining import Floats, Question

BASELINES = ("mean", "permute", "zero")
"""The mean of the training rows, other training rows, and zero."""
_ROWS = 32


def check_baseline(name: str) -> None:
    """Raise `ConfigError` for an unknown baseline."""
    if name not in BASELINES:
        raise ConfigError(f"baseline: {name!r} is not known; {nearest(name, BASELINES)}")


def baseline_inputs(question: Question, name: str, seed: int, rows: int = _ROWS) -> Floats:
    """Return baseline inputs [M, T, F]; cells that the network does not read stay as they are."""
    if question.is_text and name != "mean":
        raise ConfigError(
            f"baseline: tokens are compared with the mean vector of all training tokens, got "
            f"{name!r}; leave it out"
        )
    if name == "permute":
        found = _drawn(question, seed, rows)
    else:
        found = (question.mean if name == "mean" else np.zeros_like(question.mean))[None]
    return np.where(question.exists, found, question.inputs)


def _drawn(question: Question, seed: int, rows: int) -> Floats:
    others = question.others
    if not len(others):
        raise ConfigError(
            "baseline: 'permute' takes rows of the run's training split, and its data is gone; put "
            "it back, or use mean or zero"
        )
    draw = np.random.default_rng(seed)
    chosen = draw.permutation(len(others))[:rows]
    return others[chosen]


def replacements(question: Question, seed: int, count: int) -> Floats:
    """Return inputs [count, T, F] whose cells take the place of deleted ones.

    They are training rows in random order, so that a cell has a value that occurs there; without
    training rows they are the mean.
    """
    others = question.others if len(question.others) else question.mean[None]
    chosen = np.random.default_rng(seed).integers(0, len(others), count)
    return np.where(question.exists, others[chosen], question.inputs)

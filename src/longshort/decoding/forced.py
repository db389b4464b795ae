"""Forced decoding: how probable given sequences are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from longshort.decoding.checks import numbers
from longshort.decoding.stepping import Floats, Rows, Stepper, Tokens, stepped, taken
from longshort.errors import ArgumentError


def forced(state: Stepper, targets: Tokens, lengths: Rows, *, begin: ArrayLike) -> Floats:
    """Log probability of each token of `targets` [B, T] after those before it, [B, T] float32.

    Sequence i has lengths[i] tokens, its end mark among them if that is to be scored; what comes
    after is 0. `state` has a row for each, `begin` is the first token, or one a sequence.
    """
    batch, steps = targets.shape
    lengths = numbers("lengths", lengths, batch, 0)
    if (lengths > steps).any():
        raise ArgumentError(f"lengths: up to {steps} are expected, got {lengths.max()}")
    found = np.zeros((batch, steps), np.float32)
    tokens, rows = numbers("begin", begin, batch, 0), np.arange(batch)
    for step in range(int(lengths.max(initial=0))):
        stay = np.flatnonzero(lengths[rows] > step)
        state, rows, tokens = taken(state, stay, len(rows)), rows[stay], tokens[stay]
        logs, _, state = stepped(state, tokens)
        tokens = _within(targets[rows, step], logs.shape[1])
        found[rows, step] = logs[np.arange(len(rows)), tokens]
    return found


def _within(tokens: Tokens, size: int) -> Tokens:
    """These tokens, if each is in a vocabulary of this size."""
    outside = tokens[(tokens < 0) | (tokens >= size)]
    if outside.size:
        raise ArgumentError(f"targets: tokens from 0 to {size - 1} are expected, got {outside[0]}")
    return tokens

"""Forced decoding: the log probabilities of given sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from longshort.decoding.checks import numbers
from longshort.decoding.stepping import Floats, Rows, Stepper, Tokens, stepped, taken
from longshort.errors import ArgumentError


def forced(state: Stepper, targets: Tokens, lengths: Rows, *, begin: ArrayLike) -> Floats:
    """Return the log probability of each target token given those before it, [B, T] float32.

    state: the model, with a row for each sequence. targets: token numbers [B, T], padded. lengths:
    number of tokens of each sequence [B], with its end mark if that is to be scored; later values
    are 0. begin: the first token that the model reads, or one for each sequence. Raises
    `ArgumentError` for tokens that are not in the vocabulary.
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
    """Return these tokens; raises `ArgumentError` unless each is in a vocabulary of this size."""
    outside = tokens[(tokens < 0) | (tokens >= size)]
    if outside.size:
        raise ArgumentError(f"targets: tokens from 0 to {size - 1} are expected, got {outside[0]}")
    return tokens

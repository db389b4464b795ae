"""Exclusion of tokens that may not be generated, however probable."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from longshort.decoding.checks import whole
from longshort.decoding.options import Limits
from longshort.decoding.stepping import Floats, Tokens


def check_marks(begin: Tokens, end: int | None, limits: Limits, size: int) -> None:
    """Raise `ArgumentError` if a begin, end or banned token is not in a vocabulary of this size."""
    named = [("begin", token) for token in np.unique(begin).tolist()]
    named += [("end", end)] if end is not None else []
    for name, token in [*named, *(("banned", each) for each in limits.banned)]:
        whole(name, token, 0, size - 1)


def forbid(logs: Floats, length: int, end: int | None, limits: Limits) -> None:
    """Set the log probabilities [n, V] of tokens that may not follow `length` tokens to -inf."""
    logs[:, list(limits.banned)] = -np.inf
    if end is not None and length < limits.min_length:
        logs[:, end] = -np.inf


def forbid_repeats(logs: Floats, written: Tokens, run: int) -> None:
    """Set the log probabilities [n, V] of tokens that would repeat a run of tokens to -inf.

    written: tokens so far, [n, t]. run: length of the runs that may not occur twice.
    """
    if written.shape[1] < run:
        return
    windows = sliding_window_view(written, run, axis=1)
    latest = written[:, None, written.shape[1] - run + 1 :]
    row, place = np.nonzero((windows[..., :-1] == latest).all(-1))
    logs[row, windows[row, place, -1]] = -np.inf

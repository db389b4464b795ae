"""What may not be generated, however probable."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from longshort.decoding.checks import whole
from longshort.decoding.options import Limits
from longshort.decoding.stepping import Floats, Tokens


def check_marks(begin: Tokens, end: int | None, limits: Limits, size: int) -> None:
    """Refuses token numbers outside of a vocabulary of this size."""
    named = [("begin", token) for token in np.unique(begin).tolist()]
    named += [("end", end)] if end is not None else []
    for name, token in [*named, *(("banned", each) for each in limits.banned)]:
        whole(name, token, 0, size - 1)


def forbid(logs: Floats, length: int, end: int | None, limits: Limits) -> None:
    """Write -inf into log probabilities [n, V] of what may not follow `length` tokens."""
    logs[:, list(limits.banned)] = -np.inf
    if end is not None and length < limits.min_length:
        logs[:, end] = -np.inf


def forbid_repeats(logs: Floats, written: Tokens, run: int) -> None:
    """Write -inf where a token would complete a run of tokens that `written` [n, t] has already."""
    if written.shape[1] < run:
        return
    windows = sliding_window_view(written, run, axis=1)
    latest = written[:, None, written.shape[1] - run + 1 :]
    row, place = np.nonzero((windows[..., :-1] == latest).all(-1))
    logs[row, windows[row, place, -1]] = -np.inf

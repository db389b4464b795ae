"""Scores of hypotheses of different lengths: GNMT's penalties (Wu et al., 2016, section 7).

score = log P(Y) / ((5 + |Y|) / 6)^alpha + beta * sum_j log(min(sum_t a_tj, 1))

|Y| counts the end mark, if there is one, as log P(Y) does; so do the attentions a_tj to source
position j.
"""

from __future__ import annotations

import numpy as np

from longshort.decoding.stepping import Floats, Rows

FLOOR = 1e-8
"""Attention that a position has at least, so that one without any leaves scores comparable."""


def length_penalty(lengths: int | Rows, alpha: float) -> Floats:
    """What log probabilities of so many tokens are divided by."""
    return np.asarray(((5.0 + np.asarray(lengths)) / 6.0) ** alpha)


def coverage_penalty(covered: Floats, source_lengths: Rows, beta: float) -> Floats:
    """Summed attention [m, S] of m hypotheses, of sources that long [m] → at most 0, [m].

    Summed one by one, since padding may not change the order of summation.
    """
    logs = np.log(np.clip(covered, FLOOR, 1.0))
    inside = np.arange(covered.shape[1]) < source_lengths[:, None]
    return np.asarray(beta * np.where(inside, logs, 0.0).cumsum(1)[:, -1])


def bound(log_probs: Floats, length: int, longest: Rows, alpha: float) -> Floats:
    """What hypotheses of `length` tokens can score at best, [m], once they go on and end.

    log P only falls and coverage is at most 0. The divisor is monotonic in the length, so it is
    largest at the next length (alpha < 0) or the greatest (alpha > 0).
    """
    next_one, last = length_penalty(length + 1, alpha), length_penalty(longest, alpha)
    return np.asarray(log_probs / np.maximum(next_one, last))

"""GNMT's penalties, which make hypotheses of different lengths comparable.

Wu et al. (2016), section 7:

score = log P(Y) / ((5 + |Y|) / 6)^alpha + beta * sum_j log(min(sum_t a_tj, 1))

The end mark, if there is one, is included in |Y|, in log P(Y) and in the attentions a_tj of step t
to source position j.
"""

from __future__ import annotations

import numpy as np

from longshort.decoding.stepping import Floats, Rows

FLOOR = 1e-8
"""Least attention to a position, so that one without any does not make a score infinite."""


def length_penalty(lengths: int | Rows, alpha: float) -> Floats:
    """Return the divisor of log probabilities of so many tokens."""
    return np.asarray(((5.0 + np.asarray(lengths)) / 6.0) ** alpha)


def coverage_penalty(covered: Floats, source_lengths: Rows, beta: float) -> Floats:
    """Return the coverage penalty of m hypotheses, [m], at most 0.

    covered: summed attention [m, S]. source_lengths: number of source positions of each, [m].
    Positions are added one by one, so that padding does not change the order of summation.
    """
    logs = np.log(np.clip(covered, FLOOR, 1.0))
    inside = np.arange(covered.shape[1]) < source_lengths[:, None]
    return np.asarray(beta * np.where(inside, logs, 0.0).cumsum(1)[:, -1])


def bound(log_probs: Floats, length: int, longest: Rows, alpha: float) -> Floats:
    """Return the best score, [m], that hypotheses of `length` tokens can reach by going on.

    log_probs: log probabilities so far, [m]. longest: greatest lengths, [m]. log P only falls, and
    the coverage penalty is at most 0. The divisor is monotonic in the length, so it is largest at
    the next length (alpha < 0) or at the greatest (alpha > 0).
    """
    next_one, last = length_penalty(length + 1, alpha), length_penalty(longest, alpha)
    return np.asarray(log_probs / np.maximum(next_one, last))

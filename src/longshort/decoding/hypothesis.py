"""Decoded sequences."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.decoding.stepping import Floats


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A decoded sequence: its tokens between the begin and the end mark, and its scores.

    log_prob: log probability of all tokens, and of the end mark unless `is_cut`. score: number by
    which hypotheses of a sentence are ranked. attention: [T, S] with a row for each token, or None.
    is_cut: true if the sequence stopped without an end mark, at the greatest length or because no
    token was allowed.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    attention: Floats | None = None
    is_cut: bool = False

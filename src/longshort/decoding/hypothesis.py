"""A decoded sequence."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.decoding.stepping import Floats


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Tokens between the begin and the end mark, and how good the model finds them.

    log_prob: of all tokens, and of the end mark unless `is_cut`. score: what hypotheses of a
    sentence are ranked by. attention: [T, S] with a row for each token, or None. is_cut: ended
    without an end mark, at the greatest length or because nothing else was allowed.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    attention: Floats | None = None
    is_cut: bool = False

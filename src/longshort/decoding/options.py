"""Options of decoding: limits that all methods share, and those of beam search and of sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.checks import finite, numbers, whole
from longshort.errors import ArgumentError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on lengths, in tokens without the end mark, and on the tokens that are allowed.

    max_length: one number, or one for each sentence; hypotheses that reach it are cut. no_repeat:
    length of runs of tokens that may not occur twice; 0 allows all. banned: numbers of tokens that
    are never generated.
    """

    min_length: int = 0
    max_length: int | Sequence[int] | NDArray[np.integer] = 100
    no_repeat: int = 0
    banned: Sequence[int] = ()

    def __post_init__(self) -> None:
        whole("min_length", self.min_length, 0)
        whole("no_repeat", self.no_repeat, 0)
        for token in self.banned:
            whole("banned", token, 0)

    def longest(self, batch: int) -> NDArray[np.int64]:
        """Return the greatest length of each sentence, [batch]."""
        return numbers("max_length", self.max_length, batch, max(1, self.min_length))


@dataclass(frozen=True, kw_only=True)
class Beam(Limits):
    """Options of a beam search: its width, its penalties, and its limits.

    width: number of unfinished hypotheses kept for each sentence. length_penalty, coverage_penalty:
    GNMT's alpha and beta (see `penalties`). n_best: number of hypotheses returned for each
    sentence, at most `width`.
    """

    width: int = 5
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    n_best: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("width", self.width, 1)
        finite("length_penalty", self.length_penalty)
        finite("coverage_penalty", self.coverage_penalty, 0.0)
        whole("n_best", self.n_best, 1, self.width)


@dataclass(frozen=True, kw_only=True)
class Sampling(Limits):
    """Options of sampling: the probabilities by which tokens are drawn, and its limits.

    temperature: divides log probabilities; 0 takes the most probable token. top_k: number of most
    probable tokens to draw from; 0 for all. top_p: draw only from the most probable of these that
    together reach this probability (Holtzman et al., 2020); 1 for all.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        finite("temperature", self.temperature, 0.0)
        whole("top_k", self.top_k, 0)
        finite("top_p", self.top_p)
        if not 0.0 < self.top_p <= 1.0:
            raise ArgumentError(
                f"top_p: a probability above 0 and up to 1 is expected, got {self.top_p!r}"
            )

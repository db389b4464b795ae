"""What is set for decoding: limits of any kind of it, and the beam's and the drawing's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.checks import finite, numbers, whole
from longshort.errors import ArgumentError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Lengths in tokens without the end mark, and tokens that are not allowed.

    max_length: for all, or one a sentence; what reaches it is cut. no_repeat: no run of so many
    tokens occurs twice; 0 allows all. banned: numbers of tokens that are never generated.
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
        """The greatest length of each sentence, [batch]."""
        return numbers("max_length", self.max_length, batch, max(1, self.min_length))


@dataclass(frozen=True, kw_only=True)
class Beam(Limits):
    """How wide a search is, what it ranks by, and what it may not generate.

    width: unfinished hypotheses kept a sentence. length_penalty, coverage_penalty: GNMT's alpha
    and beta (`penalties`). n_best: hypotheses returned a sentence, at most `width`.
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
    """How tokens are drawn, and what may not be generated.

    temperature: divides log probabilities; 0 takes the most probable token. top_k: only the so many
    most probable; 0 for all. top_p: of these, only the most probable that together reach this
    probability (Holtzman et al., 2020); 1 for all.
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

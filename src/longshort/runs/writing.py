"""Texts that a model writes for texts, such as translations: how, what, and how probable it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.checks import whole
from longshort.decoding.options import Sampling
from longshort.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Draws tokens at random by the model's probabilities.

    temperature: below 1 favours likely tokens; 0 takes the likeliest. top_k: draw from so many
    likeliest tokens; 0 from all. top_p: of these from the likeliest that together have this
    probability. Texts depend on the seed and their own source alone. Raises `ConfigError` for
    values that are not allowed.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        whole("seed", self.seed, 0)
        self.options()

    def options(self, **limits: Any) -> Sampling:
        """Return the options of decoding, with these limits."""
        return Sampling(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, **limits)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How texts are written; None leaves it to the settings of the run.

    beam: width of the search, 1 is greedy; n_best: texts for each source, which widen a beam that
    is not given; drawing: draw texts instead of searching for the best ones. Raises `ConfigError`
    for values that are not allowed.
    """

    beam: int | None = None
    n_best: int = 1
    length_penalty: float | None = None
    drawing: Drawing | None = None

    def __post_init__(self) -> None:
        if self.drawing is not None and (self.beam, self.length_penalty) != (None, None):
            name = "length_penalty" if self.beam is None else "beam"
            raise ConfigError(
                f"{name}: is of a beam search, and sampling draws texts; leave out one of them"
            )
        for name, value in (("beam", self.beam), ("n_best", self.n_best)):
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and not (is_whole and value >= 1):
                raise ConfigError(f"{name}: a whole number from 1 on is expected, got {value!r}")
        if self.beam is not None and self.n_best > self.beam:
            raise ConfigError(
                f"n_best: a beam of {self.beam} gives at most so many texts, got {self.n_best}; "
                "widen the beam, or leave it out"
            )


@dataclass(frozen=True)
class Target:
    """One way to write a source.

    tokens: as people read them; log_prob: of all of them and the end; attention [T, S]: of each
    token to those of the source, None without attention; is_cut: whether it ended at the greatest
    length.
    """

    text: str
    tokens: tuple[str, ...] = ()
    log_prob: float = 0.0
    attention: NDArray[Any] | None = None
    is_cut: bool = False
    numbers: tuple[int, ...] = ()
    """Numbers of the tokens, without begin and end."""


@dataclass(frozen=True)
class Written:
    """The best targets of n sources, best first, or drawn ones in their order; a baseline has one.

    sources: the sources' tokens as people read them, where a model wrote. nats [n]: negative
    log-likelihood of each given target, and tokens [n] in it with its end, by forced decoding;
    empty where no targets were given.
    """

    targets: list[list[Target]]
    sources: list[list[str]] = field(default_factory=list)
    nats: Floats = field(default_factory=lambda: np.zeros(0))
    tokens: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def texts(self) -> list[str]:
        """The best text of each source."""
        return [each[0].text for each in self.targets]


@dataclass(frozen=True)
class Attended:
    """Where a model looked: tokens of both sides, and weights [T, S] that sum to 1 in each row."""

    source: list[str]
    target: list[str]
    weights: NDArray[Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        weights = [[round(float(each), 6) for each in row] for row in self.weights]
        return {"source": self.source, "target": self.target, "weights": weights}


@dataclass(frozen=True)
class Likelihood:
    """How probable a given text is: log probabilities of its tokens, the end among them."""

    tokens: list[str]
    log_probs: Floats

    @property
    def log_prob(self) -> float:
        """Log probability of the whole text."""
        return float(self.log_probs.sum())

    @property
    def per_token(self) -> float:
        """Mean over the tokens."""
        return float(self.log_probs.mean())


def perplexity(found: Sequence[Likelihood]) -> float:
    """Return the perplexity of all tokens of these texts together."""
    total = sum(len(each.log_probs) for each in found)
    return float(np.exp(-sum(each.log_prob for each in found) / total))


def written_by(texts: Sequence[str]) -> Written:
    """Return texts that no model wrote, such as those of a baseline."""
    return Written([[Target(text)] for text in texts])

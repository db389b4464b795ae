"""Generation of text: tokens drawn one after another from the model's probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from longshort.data.vocabulary import UNKNOWN
from longshort.decoding import options as decoding
from longshort.decoding.sampling import draw
from longshort.errors import ConfigError
from longshort.runs.task import Model
from longshort.tasks.language.encoder import LanguageEncoder

Lm = Model[Any, LanguageEncoder]


@dataclass(frozen=True)
class Sampling:
    """Settings for drawing the next token.

    temperature: divides log probabilities; 0 takes the most probable token. top_k: only this many
    most probable tokens; 0 for all. top_p: only the most probable tokens that together reach this
    probability (Holtzman et al., 2020); 1 for all.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (isinstance(self.temperature, Real) and 0.0 <= self.temperature < math.inf):
            raise ConfigError(f"temperature: a number from 0 is expected, got {self.temperature!r}")
        if not (isinstance(self.seed, Integral) and 0 <= self.seed < 2**63):
            raise ConfigError(
                f"seed: a whole number from 0 to 2^63 - 1 is expected, got {self.seed!r}"
            )
        if not isinstance(self.top_k, Integral) or self.top_k < 0:
            raise ConfigError(f"top_k: a whole number from 0 (all) is expected, got {self.top_k!r}")
        if not (isinstance(self.top_p, Real) and 0.0 < self.top_p <= 1.0):
            raise ConfigError(
                f"top_p: a probability above 0 and up to 1 is expected, got {self.top_p!r}"
            )


def numbers(model: Lm, prompt: str, length: int, how: Sampling) -> Iterator[int]:
    """Yield `length` token numbers after the prompt; the unknown token is never drawn."""
    chance = np.random.default_rng(how.seed)
    options = decoding.Sampling(temperature=how.temperature, top_k=how.top_k, top_p=how.top_p)
    logs: Any = None
    states = None
    for token in [model.encoder.begin, *model.encoder.encode(prompt).tolist()]:
        logs, states = model.call("step", np.array([token]), states)
    for _ in range(length):
        logs[:, UNKNOWN - 1] = -np.inf
        token = int(draw(logs.astype(np.float64), chance.random(1), options)[0]) + 1
        yield token
        logs, states = model.call("step", np.array([token]), states)


def write_on(model: Lm, prompt: str, length: int, how: Sampling) -> Iterator[str]:
    """Yield the text after the prompt, a piece for each token."""
    if not isinstance(length, Integral) or length < 0:
        raise ConfigError(f"length: a whole number of tokens from 0 is expected, got {length!r}")
    return model.encoder.stream(numbers(model, prompt, length, how), prompt)

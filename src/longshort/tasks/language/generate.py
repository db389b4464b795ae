"""Generation of text: tokens drawn one after another from the model's probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor

from longshort.data.vocabulary import UNKNOWN
from longshort.errors import ConfigError
from longshort.tasks.language.encoder import LanguageEncoder
from longshort.tasks.language.network import LanguageModel, States


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


def probabilities(logs: Tensor, how: Sampling) -> Tensor:
    """Return the probabilities by which tokens are drawn, from their log probabilities [V].

    Tokens that the settings exclude have probability 0.
    """
    if how.temperature == 0.0:
        return torch.zeros_like(logs).index_fill(0, logs.argmax(), 1.0)
    p = ((logs - logs.max()) / how.temperature).softmax(0)
    if how.top_k and how.top_k < len(p):
        least = p.topk(how.top_k).indices
        p = torch.zeros_like(p).index_copy(0, least, p[least])
        p = p / p.sum()
    if how.top_p < 1.0:
        ranked, order = p.sort(descending=True, stable=True)
        before = ranked.cumsum(0) - ranked
        ranked = ranked.masked_fill(before >= how.top_p, 0.0)
        p = torch.zeros_like(p).index_copy(0, order, ranked)
        p = p / p.sum()
    return p


@torch.no_grad()
def numbers(
    network: LanguageModel, encoder: LanguageEncoder, prompt: str, length: int, how: Sampling
) -> Iterator[int]:
    """Yield `length` token numbers after the prompt; the unknown token is never drawn."""
    network.eval()
    draw = torch.Generator().manual_seed(how.seed)
    device = network.embedding.weight.device
    states: States | None = None
    given = [encoder.begin, *encoder.encode(prompt).tolist()]
    for token in given:
        logs, states = network.step(torch.tensor([token], device=device), states)
    for _ in range(length):
        logs[0, UNKNOWN - 1] = -torch.inf
        p = probabilities(logs[0].double().cpu(), how)
        token = int(torch.multinomial(p, 1, generator=draw)) + 1
        yield token
        logs, states = network.step(torch.tensor([token], device=device), states)


def write_on(
    network: LanguageModel, encoder: LanguageEncoder, prompt: str, length: int, how: Sampling
) -> Iterator[str]:
    """Yield the text after the prompt, a piece for each token."""
    if not isinstance(length, Integral) or length < 0:
        raise ConfigError(f"length: a whole number of tokens from 0 is expected, got {length!r}")
    return encoder.stream(numbers(network, encoder, prompt, length, how), prompt)

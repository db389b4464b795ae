"""A toy model whose steps depend on all tokens before, and all that it can generate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.penalties import FLOOR

BEGIN, END, SIZE = 0, 1, 5


def log_probs(seed: int, prefix: tuple[int, ...], size: int = SIZE, levels: int = 0) -> np.ndarray:
    """Log probabilities after a prefix; with few levels, many of them are equal."""
    draw = np.random.default_rng([seed, *prefix])
    scores = draw.integers(levels, size=size) if levels else 2 * draw.standard_normal(size)
    return np.asarray(scores - np.log(np.exp(scores).sum()), np.float32)


def attended(seed: int, prefix: tuple[int, ...], source: int) -> np.ndarray:
    return np.random.default_rng([seed, 7, *prefix]).dirichlet(np.full(source, 0.3))


@dataclass(frozen=True)
class Toy:
    """Rows of (seed, prefix); a seed stands for a sentence. sources: lengths by seed.

    width: of the longest source in the batch, to which attention is padded.
    """

    rows: tuple[tuple[int, tuple[int, ...]], ...]
    size: int = SIZE
    levels: int = 0
    sources: tuple[int, ...] = ()
    width: int = 0

    @classmethod
    def of(
        cls, seeds: list[int], size: int = SIZE, levels: int = 0, sources: tuple[int, ...] = ()
    ) -> Toy:
        width = max((sources[seed] for seed in seeds), default=0) if sources else 0
        return cls(tuple((seed, ()) for seed in seeds), size, levels, sources, width)

    def step(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, Toy]:
        rows = [(seed, (*seen, int(t))) for (seed, seen), t in zip(self.rows, tokens, strict=True)]
        logs = np.array([log_probs(*row, self.size, self.levels) for row in rows])
        return logs, self._attention(rows), self._with(rows)

    def take(self, rows: np.ndarray) -> Toy:
        return self._with([self.rows[row] for row in rows])

    def _with(self, rows: list[tuple[int, tuple[int, ...]]]) -> Toy:
        return replace(self, rows=tuple(rows))

    def _attention(self, rows: list[tuple[int, tuple[int, ...]]]) -> np.ndarray | None:
        if not self.sources:
            return None
        found = np.zeros((len(rows), self.width))
        for row, (seed, prefix) in enumerate(rows):
            found[row, : self.sources[seed]] = attended(seed, prefix, self.sources[seed])
        return found


def everything(longest: int, size: int = SIZE) -> Iterator[tuple[int, ...]]:
    """All sequences: tokens with an end mark, or `longest` tokens without."""
    tokens = [token for token in range(size) if token != END]
    for length in range(longest):
        yield from ((*each, END) for each in product(tokens, repeat=length))
    yield from product(tokens, repeat=longest)


def score(
    seed: int, sequence: tuple[int, ...], alpha: float, beta: float = 0.0, source: int = 0
) -> float:
    prefixes = [(BEGIN, *sequence[:n]) for n in range(len(sequence))]
    steps = zip(prefixes, sequence, strict=True)
    total = sum(float(log_probs(seed, prefix)[token]) for prefix, token in steps)
    found: float = total / ((5 + len(sequence)) / 6) ** alpha
    if beta:
        covered = sum(attended(seed, prefix, source) for prefix in prefixes)
        found += beta * float(np.log(np.clip(covered, FLOOR, 1)).sum())
    return found


def shown(found: Hypothesis) -> tuple[tuple[int, ...], float, float, bool, object]:
    """All of a hypothesis, to compare exactly."""
    attention = None if found.attention is None else found.attention.tolist()
    return found.tokens, found.log_prob, found.score, found.is_cut, attention

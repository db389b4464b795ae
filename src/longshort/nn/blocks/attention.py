"""Attention over a memory: scores, masked weights, and the mean of the memory under them.

Letters: T steps of the query, S steps of the memory, B batch, Q, M, A sizes of query, memory and
the additive score.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from longshort.errors import ArgumentError

Score = Literal["dot", "general", "additive"]
SCORES: tuple[Score, ...] = ("dot", "general", "additive")


class Memory(NamedTuple):
    """What is attended to, with all that does not depend on the query.

    values [B, S, M]; keys [B, S, K], what the queries are compared with; real [B, S], False where
    the memory is padding.
    """

    values: Tensor
    keys: Tensor
    real: Tensor

    def take(self, rows: Tensor) -> Memory:
        """Return the memories of these samples, which may repeat."""
        return Memory(*(each.index_select(0, rows) for each in self))


class Attention(nn.Module):
    """Weights over a memory by the similarity to a query, and the weighted mean.

    score: "dot" s·h, which needs Q = M; "general" sᵀW h (both Luong et al., 2015); "additive"
    vᵀtanh(W s + U h) (Bahdanau et al., 2015; Luong's "concat" is the same). size: A, that of the
    query when absent. coverage: the additive score also sees how much attention each step of the
    memory has had before, vᵀtanh(W s + U h + w c) (See et al., 2017).
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        score: Score = "general",
        size: int | None = None,
        *,
        coverage: bool = False,
    ) -> None:
        super().__init__()
        self.score, self.coverage = _checked(score, query_size, memory_size, coverage), coverage
        width = size or query_size
        self.keys: nn.Module = nn.Identity()
        if score == "general":
            self.keys = nn.Linear(memory_size, query_size, bias=False)
        if score == "additive":
            self.keys = nn.Linear(memory_size, width)
            self.query = nn.Linear(query_size, width, bias=False)
            self.vector = nn.Parameter(torch.empty(width))
            nn.init.uniform_(self.vector, -1 / math.sqrt(width), 1 / math.sqrt(width))
        if coverage:
            self.covered = nn.Parameter(torch.zeros(width))

    def prepare(self, memory: Tensor, lengths: Tensor) -> Memory:
        """Return the memory [S, B, M] of samples with `lengths` [B] in a form to be attended to."""
        values = memory.transpose(0, 1).contiguous()
        steps = torch.arange(values.shape[1], device=values.device)
        return Memory(values, self.keys(values), steps < lengths.to(values.device)[:, None])

    def forward(
        self, query: Tensor, memory: Memory, coverage: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the weighted means [T, B, M] and the weights [T, B, S] of queries [T, B, Q].

        coverage [B, S]: the sum of the weights of earlier queries, for a single step.
        """
        scores = self._scores(query.transpose(0, 1), memory.keys, coverage)
        weights = scores.masked_fill(~memory.real[:, None], -math.inf).softmax(-1)
        return (weights @ memory.values).transpose(0, 1), weights.transpose(0, 1)

    def _scores(self, query: Tensor, keys: Tensor, coverage: Tensor | None) -> Tensor:
        """Scores [B, T, S] of queries [B, T, Q] and keys [B, S, K]."""
        if self.score != "additive":
            return query @ keys.transpose(1, 2)
        both = self.query(query)[:, :, None] + keys[:, None]
        if self.coverage:
            if coverage is None:
                raise ArgumentError(
                    "coverage: is needed by an attention with coverage; it is the sum of the "
                    "weights so far, [B, S]"
                )
            both = both + coverage[:, None, :, None] * self.covered
        found: Tensor = both.tanh() @ self.vector
        return found


def _checked(score: Score, query: int, memory: int, coverage: bool) -> Score:
    if score not in SCORES:
        raise ArgumentError(f"score: {score!r} is not known; allowed: {', '.join(SCORES)}")
    if score == "dot" and query != memory:
        raise ArgumentError(
            f"score: 'dot' needs a query and a memory of one size, got {query} and {memory}; use "
            "'general'"
        )
    if coverage and score != "additive":
        raise ArgumentError(f"coverage: needs score='additive', got {score!r}")
    return score

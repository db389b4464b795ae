"""A recurrent decoder with attention: whole targets in training, step by step in use.

Letters: T steps of the target, S of the memory, B batch, E embedding, H units, M memory, V tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.errors import ArgumentError
from longshort.nn.blocks.attention import Attention, Memory
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.recurrent import Recurrent

Placement = Literal["after", "feeding", "before"]
PLACEMENTS: tuple[Placement, ...] = ("after", "feeding", "before")


class Decoded(NamedTuple):
    """What a decoder says of whole targets.

    outputs [T, B, E]: what the tokens' vectors are compared with; weights [T, B, S] of the
    attention; copying [T, B]: probability of copying a token of the source, where it can; unspread
    []: mean attention that steps of the memory get twice, the coverage loss, where there is one.
    """

    outputs: Tensor
    weights: Tensor | None
    copying: Tensor | None = None
    unspread: Tensor | None = None


@dataclass(frozen=True)
class DecoderState:
    """Where decoding stands, for B samples: what a step needs of those before it."""

    recurrent: Any
    memory: Memory | None
    fed: Tensor | None = None
    """What the next step needs of the last one: its output [B, E], or its hidden state [B, H]."""
    coverage: Tensor | None = None
    """Sum of the attention so far, [B, S]."""

    def take(self, rows: Tensor) -> DecoderState:
        """Return the state of these samples, which may repeat."""

        def chosen(each: Tensor | None) -> Tensor | None:
            return None if each is None else each.index_select(0, rows)

        states = self.recurrent
        if isinstance(states, tuple):
            taken: Any = tuple(state.index_select(1, rows) for state in states)
        else:
            taken = states.index_select(1, rows)
        memory = None if self.memory is None else self.memory.take(rows)
        return DecoderState(taken, memory, chosen(self.fed), chosen(self.coverage))


class Decoder(nn.Module):
    """Recurrent layers over the target's tokens that attend to a memory.

    h̃ = tanh(W[context; h]) is compared with the vectors of all tokens. placement of the attention:

    - "after": the states h attend (Luong et al., 2015). The layers see the target's tokens alone,
      so a whole target is one call of them, which is several times as fast as a loop.
    - "feeding": likewise, but the layers' input is [vector; h̃ of the last step] (input feeding).
    - "before": the state before a step attends, and the step's input is [vector; context]
      (Bahdanau et al., 2015).

    layers: their input size is E, 2E with feeding, E + M with attention before the step. attention:
    None for a decoder that sees the source in its first state only. copying: a gate decides between
    writing a token and copying one of the source (See et al., 2017).
    """

    def __init__(
        self,
        embedding: Embedding,
        layers: Recurrent,
        attention: Attention | None,
        memory_size: int = 0,
        *,
        placement: Placement = "after",
        copying: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        size = embedding.weight.shape[1]
        _check(placement, attention, layers, size, memory_size, copying)
        self.embedding, self.layers, self.attention = embedding, layers, attention
        self.placement, self.dropout = placement, nn.Dropout(dropout)
        joined = layers.output_size + (memory_size if attention is not None else 0)
        self.join = nn.Linear(joined, size)
        self.bias = nn.Parameter(torch.zeros(len(embedding.weight)))
        self.gate = nn.Linear(joined + size, 1) if copying else None

    @property
    def is_covering(self) -> bool:
        """Whether the attention sees where it was before."""
        return self.attention is not None and self.attention.coverage

    def begin(self, recurrent: Any, memory: Memory | None) -> DecoderState:
        """Return the state before the first token."""
        fed = coverage = None
        first = recurrent[0] if isinstance(recurrent, tuple) else recurrent
        if self.placement == "feeding":
            fed = first.new_zeros(first.shape[1], self.embedding.weight.shape[1])
        if self.placement == "before":
            fed = first[-1, :, : self.layers.output_size]
        if self.is_covering:
            assert memory is not None
            coverage = first.new_zeros(memory.real.shape)
        return DecoderState(recurrent, memory, fed, coverage)

    def forward(self, numbers: Tensor, state: DecoderState) -> Decoded:
        """Read whole targets: token numbers [T, B], the begin mark first."""
        vectors = self.dropout(self.embedding(numbers))
        if self.placement != "after":
            return self._one_by_one(vectors, state)
        hidden, _ = self.layers(vectors, state.recurrent)
        if self.is_covering:
            return self._covering(vectors, hidden, state)
        context, weights = self._attended(hidden, state)
        return self._decoded(vectors, hidden, context, weights)

    def step(self, numbers: Tensor, state: DecoderState) -> tuple[Decoded, DecoderState]:
        """Read one token of each sample, [B]; returns outputs of one step, and the state after."""
        vectors = self.dropout(self.embedding(numbers[None]))
        return self._step(vectors, state)

    def covered_step(self, numbers: Tensor, state: DecoderState) -> tuple[Decoded, DecoderState]:
        """Do what `step` does, with the coverage loss of the step where there is one."""
        return self._covered(self.dropout(self.embedding(numbers[None])), state)

    def log_probs(self, decoded: Decoded, source: Tensor | None = None) -> Tensor:
        """Log probabilities [T, B, V] of all tokens; source [S, B]: numbers that may be copied."""
        scores = F.linear(decoded.outputs, self.embedding.weight, self.bias)
        written = scores.log_softmax(-1)
        if decoded.copying is None:
            return written
        if source is None or decoded.weights is None:
            raise ArgumentError("source: a decoder that copies needs the numbers of the source")
        places = source.T[None].expand(*decoded.weights.shape)
        copied = torch.zeros_like(written).scatter_add(2, places, decoded.weights)
        share = decoded.copying[..., None]
        mixed = written.exp() * (1 - share) + copied * share
        return mixed.clamp_min(torch.finfo(mixed.dtype).tiny).log()

    def _step(self, vectors: Tensor, state: DecoderState) -> tuple[Decoded, DecoderState]:
        context = weights = None
        inputs = [vectors[0]]
        if self.placement == "before" and state.fed is not None:
            context, weights = self._attended(state.fed[None], state)
            inputs += [] if context is None else [context[0]]
        if self.placement == "feeding" and state.fed is not None:
            inputs.append(state.fed)
        hidden, recurrent = self.layers.step(torch.cat(inputs, -1), state.recurrent)
        if self.placement != "before":
            context, weights = self._attended(hidden[None], state)
        found = self._decoded(vectors, hidden[None], context, weights)
        after = replace(state, recurrent=recurrent)
        if self.placement != "after":
            after = replace(after, fed=found.outputs[0] if self.placement == "feeding" else hidden)
        if state.coverage is not None and weights is not None:
            after = replace(after, coverage=state.coverage + weights[0])
        return found, after

    def _one_by_one(self, vectors: Tensor, state: DecoderState) -> Decoded:
        steps = []
        for each in torch.split(vectors, 1):
            found, state = self._covered(each, state)
            steps.append(found)
        return joined(steps)

    def _covered(self, vectors: Tensor, state: DecoderState) -> tuple[Decoded, DecoderState]:
        """One step with its coverage loss."""
        found, after = self._step(vectors, state)
        return found._replace(unspread=_twice(found.weights, state.coverage)), after

    def _covering(self, vectors: Tensor, hidden: Tensor, state: DecoderState) -> Decoded:
        """Whole targets whose layers need no loop, while their attention does."""
        steps = []
        for vector, each in zip(torch.split(vectors, 1), torch.split(hidden, 1), strict=True):
            context, weights = self._attended(each, state)
            found = self._decoded(vector, each, context, weights)
            steps.append(found._replace(unspread=_twice(weights, state.coverage)))
            assert state.coverage is not None and weights is not None
            state = replace(state, coverage=state.coverage + weights[0])
        return joined(steps)

    def _attended(self, hidden: Tensor, state: DecoderState) -> tuple[Tensor | None, Tensor | None]:
        if self.attention is None or state.memory is None:
            return None, None
        found: tuple[Tensor, Tensor] = self.attention(hidden, state.memory, state.coverage)
        return found

    def _decoded(
        self, vectors: Tensor, hidden: Tensor, context: Tensor | None, weights: Tensor | None
    ) -> Decoded:
        joined = hidden if context is None else torch.cat([context, hidden], -1)
        outputs = self.dropout(self.join(joined).tanh())
        copying = None
        if self.gate is not None:
            copying = self.gate(torch.cat([joined, vectors], -1)).sigmoid().squeeze(-1)
        return Decoded(outputs, weights, copying)


class Decodes(nn.Module):
    """Base of networks whose `decoder` writes step by step."""

    decoder: Decoder

    def step(
        self, tokens: Tensor, state: DecoderState, source: Tensor | None
    ) -> tuple[Tensor, Tensor | None, DecoderState]:
        """Read one token of each of n targets, [n].

        Returns log probabilities [n, V], attention [n, S] where there is one, and the state after.
        source [S, n]: numbers that may be copied.
        """
        found, after = self.decoder.step(tokens, state)
        logs = self.decoder.log_probs(found, source)[0].float()
        weights = None if found.weights is None else found.weights[0].float()
        return logs, weights, after

    def take(self, state: DecoderState, rows: Tensor) -> DecoderState:
        """Return the state of these targets, which may repeat."""
        return state.take(rows)


def _check(
    placement: Placement,
    attention: Attention | None,
    layers: Recurrent,
    size: int,
    memory_size: int,
    copying: bool,
) -> None:
    """Raise `ArgumentError` for parts that do not fit each other."""
    if placement not in PLACEMENTS:
        allowed = ", ".join(PLACEMENTS)
        raise ArgumentError(f"placement: {placement!r} is not known; allowed: {allowed}")
    if attention is None and (copying or placement != "after"):
        what = "copying" if copying else f"placement={placement!r}"
        raise ArgumentError(f"{what}: needs an attention")
    more = {"after": 0, "feeding": size, "before": memory_size}[placement]
    if layers.input_size != size + more:
        raise ArgumentError(
            f"layers: input_size must be {size + more}, the size of a vector and of what comes "
            f"with it ({more}, placement={placement!r}); it is {layers.input_size}"
        )


def _twice(weights: Tensor | None, coverage: Tensor | None) -> Tensor | None:
    """Attention [1, B] that falls where it already was: the coverage loss of See et al. (2017)."""
    if weights is None or coverage is None:
        return None
    return torch.minimum(weights, coverage).sum(-1)


def joined(steps: list[Decoded]) -> Decoded:
    """Return steps as whole targets."""
    outputs, *others = zip(*steps, strict=True)
    whole = [None if any(each is None for each in one) else torch.cat(one) for one in others]
    return Decoded(torch.cat(outputs), *whole)

"""The regression's network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.patches import patches
from longshort.nn.blocks.pooling import Pooling
from longshort.nn.blocks.stepwise import State, advance, can_step, first_state
from longshort.nn.blocks.summary import Summary
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.regress.config import RegressModel


class Regressor(nn.Module):
    """A network from sequences to scaled values [B, K].

    A sequence is token numbers [T, B], or values [T, B, F], with lengths [B].
    """

    def __init__(self, model: RegressModel, tokens: int, features: int, outputs: int) -> None:
        super().__init__()
        self.embedding = Embedding(tokens, model.embedding) if tokens else None
        self.patch = model.patch
        self.dropout = nn.Dropout(model.dropout)
        self.layers = Recurrent(
            chosen_cell(model),
            model.embedding if tokens else features * model.patch,
            model.hidden,
            model.num_layers,
            bidirectional=model.bidirectional,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            **layer_options(model),
        )
        width = self.layers.output_size
        self.pooling = Pooling(model.pooling, width, width // 2 if model.bidirectional else 0)
        self.summary = Summary() if model.summary and features else None
        self.head = nn.Linear(width + (Summary.columns * features if self.summary else 0), outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the scaled values [B, K] of token numbers, their vectors, or values."""
        whole = [] if self.summary is None else [self.summary(x, lengths)]
        if self.embedding is not None and not x.is_floating_point():
            x = self.dropout(self.embedding(x))
        else:
            x, lengths = patches(x, lengths, self.patch)
        states, _ = self.layers(x, lengths=lengths)
        found: Tensor = self.head(
            torch.cat([self.dropout(self.pooling(states, lengths)), *whole], 1)
        )
        return found

    @property
    def steps(self) -> bool:
        """Whether numbers can be read step by step, from a state instead of the history."""
        return self.embedding is None and self.patch == 1 and can_step(self.layers, self.pooling)

    def first_state(self) -> State:
        """Return the state of one sequence of values before its first step."""
        return first_state(self.layers, self.pooling, self.summary, self.layers.input_size)

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return scaled values [B, K] of sequences with one more step x [B, F], and the state."""
        seen, after = advance(self.layers, self.pooling, self.summary, x, state)
        return self.head(seen), after

"""The network: frames side by side, recurrent layers, and scores of characters and the blank."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longshort.nn.blocks.ctc import ctc_loss
from longshort.nn.blocks.patches import patches
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.transcribe.config import TranscribeModel
from longshort.tasks.transcribe.encoder import BLANK, Batch

State = dict[str, Any]
_FEWER_BLANKS = -1.0
"""First bias of the blank, since a network that has learned nothing else writes only blanks."""


class Listener(nn.Module):
    """What reads the sound: `patch` frames as one step, and recurrent layers over the steps."""

    def __init__(self, model: TranscribeModel, inputs: int) -> None:
        super().__init__()
        self.patch = model.patch
        self.dropout = nn.Dropout(model.dropout)
        self.layers = Recurrent(
            chosen_cell(model),
            inputs * model.patch,
            model.hidden or 1,
            model.num_layers,
            bidirectional=model.bidirectional,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            **layer_options(model),
        )

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return states [T', B, W] of the steps, and the lengths [B] in steps."""
        x, lengths = patches(batch.x, batch.lengths, self.patch)
        states, _ = self.layers(x, lengths=lengths)
        return self.dropout(states), lengths


class Recogniser(nn.Module):
    """Scores of characters and the blank for each step; its loss sums over all alignments."""

    def __init__(self, model: TranscribeModel, inputs: int, classes: int) -> None:
        super().__init__()
        self.listener = Listener(model, inputs)
        self.head = nn.Linear(self.listener.layers.output_size, classes)
        with torch.no_grad():
            self.head.bias[BLANK] = _FEWER_BLANKS

    def forward(self, batch: Batch) -> Tensor:
        """Return the scores [T', B, C] before the softmax."""
        scores: Tensor = self.head(self.listener(batch)[0])
        return scores

    def losses(self, batch: Batch, alone: float = 0.0) -> Tensor:
        """Return the negative log probability of the labels, [B] in nats."""
        del alone
        states, lengths = self.listener(batch)
        return ctc_loss(self.head(states), batch.labels, lengths, batch.label_lengths, blank=BLANK)

    @property
    def steps(self) -> bool:
        """Whether sound can be read step by step."""
        return not self.listener.layers.bidirectional

    def first_state(self) -> State:
        """Return the state of one utterance before its first step."""
        state = self.listener.layers.initial_state()
        return {"layers": state if isinstance(state, tuple) else (state,)}

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the scores [B, C] of a step x [B, patch · F], and the state after it."""
        given = state["layers"]
        y, after = self.listener.layers.step(x, given if len(given) > 1 else given[0])
        return self.head(y), {"layers": after if isinstance(after, tuple) else (after,)}

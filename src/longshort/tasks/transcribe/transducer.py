"""The network with a transducer's head (Graves, 2012): sound and text so far are joined.

Letters: T' steps of sound, B batch, U labels, J units of the joint, C classes with the blank.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.nn.blocks.ctc import ctc_loss
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.transducer import transducer_loss
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell
from longshort.tasks.transcribe.config import TranscribeModel
from longshort.tasks.transcribe.encoder import BLANK, Batch
from longshort.tasks.transcribe.network import Listener

State = dict[str, Any]


class Transducer(nn.Module):
    """Scores of characters and the blank for each step of sound after each text.

    A second head over the sound alone learns by the CTC loss, so that the recurrent layers hear
    characters before the joint can place them; it is of use in training only.
    """

    def __init__(self, model: TranscribeModel, inputs: int, classes: int) -> None:
        super().__init__()
        self.listener = Listener(model, inputs)
        width = self.listener.layers.output_size
        self.sound = nn.Linear(width, model.joint)
        self.embedding = Embedding(classes, model.predictor)
        self.predictor = Recurrent(chosen_cell(model), model.predictor, model.predictor, 1)
        self.text = nn.Linear(self.predictor.output_size, model.joint)
        self.head = nn.Linear(model.joint, classes)
        self.alone = nn.Linear(width, classes)
        self.dropout = nn.Dropout(model.dropout)

    def losses(self, batch: Batch, alone: float = 0.0) -> Tensor:
        """Return the negative log probability of the labels, [B] in nats.

        alone: weight of the CTC loss of the second head, which is added.
        """
        states, lengths = self.listener(batch)
        begun = F.pad(batch.labels, (1, 0), value=BLANK).transpose(0, 1)
        texts, _ = self.predictor(self.dropout(self.embedding(begun)))
        scores = self.join(
            self.sound(states).transpose(0, 1)[:, :, None],
            self.text(self.dropout(texts)).transpose(0, 1)[:, None],
        )
        found = transducer_loss(scores, batch.labels, lengths, batch.label_lengths, blank=BLANK)
        if alone:
            by_ctc = ctc_loss(
                self.alone(states), batch.labels, lengths, batch.label_lengths, blank=BLANK
            )
            found = found + alone * by_ctc
        return found

    def forward(self, batch: Batch) -> Tensor:
        """Return what the joint takes of the sound, [T', B, J]."""
        found: Tensor = self.sound(self.listener(batch)[0])
        return found

    def join(self, sound: Tensor, text: Tensor) -> Tensor:
        """Return the scores [..., C] of sound [..., J] and text [..., J]."""
        scores: Tensor = self.head((sound + text).tanh())
        return scores

    def first_text(self) -> tuple[Tensor, State]:
        """Return what the joint takes of the empty text, [1, J], and the state after it."""
        state = self.predictor.initial_state()
        begun = torch.zeros(1, dtype=torch.int64, device=self.head.weight.device) + BLANK
        return self.longer_text(begun, {"layers": state if isinstance(state, tuple) else (state,)})

    def longer_text(self, labels: Tensor, state: State) -> tuple[Tensor, State]:
        """Return what the joint takes of texts with one more label [B], and the states."""
        given = state["layers"]
        y, after = self.predictor.step(
            self.embedding(labels), given if len(given) > 1 else given[0]
        )
        return self.text(y), {"layers": after if isinstance(after, tuple) else (after,)}

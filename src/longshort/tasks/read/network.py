"""The networks: a front for pictures or strokes, recurrent layers, and CTC or a decoder.

Letters: B batch, T steps, F features of a step, M of a state, K classes with the blank.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longshort.data.strokes.features import FEATURES
from longshort.decoding.ctc import frames_needed
from longshort.nn.blocks.attention import Attention
from longshort.nn.blocks.bridge import Bridge
from longshort.nn.blocks.columns import STRIDE, Columns
from longshort.nn.blocks.convolution import Convolutions
from longshort.nn.blocks.ctc import ctc_loss
from longshort.nn.blocks.decoder import Decoder, DecoderState, Decodes
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.encoder import Encoder
from longshort.nn.blocks.turned import turned
from longshort.nn.blocks.warp import warped
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.read.config import ReadModel
from longshort.tasks.read.encoder import Batch, ReadEncoder

_FILTERS, _KERNEL, _TOGETHER = 64, 5, 2
"""Convolutions over strokes: filters, their width, and pen points that become one step."""


class Front(nn.Module):
    """From pictures or strokes to states: convolutions, then layers in both directions."""

    def __init__(self, model: ReadModel, encoder: ReadEncoder) -> None:
        super().__init__()
        self.is_picture = encoder.kind == "pictures"
        if self.is_picture:
            self.seen: Any = Columns(encoder.height, model.channels, model.picture_dropout)
            size = self.seen.size
        else:
            self.seen = Convolutions(len(FEATURES) - 1, _FILTERS, _KERNEL, 2, _TOGETHER)
            size = _FILTERS
        layers = Recurrent(
            chosen_cell(model), size, model.hidden or 2, model.num_layers, bidirectional=True,
            dropout=model.dropout if model.num_layers > 1 else 0.0, **layer_options(model),
        )  # fmt: skip
        self.encoder = Encoder(layers, model.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Any]:
        """Return the states [T, B, M], their lengths [B], and the last states."""
        steps, lengths = self.seen(x if self.is_picture else _without_x(x), lengths)
        states, last = self.encoder(steps, lengths)
        return states, lengths, last

    def changed(self, batch: Batch, power: float) -> tuple[Tensor, Tensor]:
        """Return the lines of a batch as others might have written them, and their lengths."""
        if not power:
            return batch.x, batch.lengths
        if not self.is_picture:
            return turned(batch.x, power), batch.lengths
        rows = zip(batch.labels.tolist(), batch.label_lengths.tolist(), strict=True)
        needed = [STRIDE * frames_needed(labels[:count]) for labels, count in rows]
        least = torch.minimum(torch.tensor(needed), batch.lengths)
        return warped(batch.x, batch.lengths, power, least)


class Reader(nn.Module):
    """Reads signs in the order in which they stand, by CTC (Graves et al., 2006)."""

    def __init__(self, model: ReadModel, encoder: ReadEncoder) -> None:
        super().__init__()
        self.front = Front(model, encoder)
        self.classes = nn.Linear(self.front.encoder.size, encoder.count)

    def logs(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return log probabilities [T, B, K] of all classes, and the lengths [B]."""
        states, lengths, _ = self.front(x, lengths)
        return self.classes(states).log_softmax(-1), lengths

    def losses(self, batch: Batch, power: float = 0.0) -> Tensor:
        """Return the negative log probability of each line's signs, [B]; power: of the changes."""
        x, lengths = self.front.changed(batch, power)
        states, lengths, _ = self.front(x, lengths)
        return ctc_loss(self.classes(states), batch.labels, lengths, batch.label_lengths)


class Writer(Decodes):
    """Reads signs in any order, such as those of LaTeX, by a decoder that attends.

    The attention follows the decoder's layers (Luong et al., 2015), so that a whole target is one
    call of them in training.
    """

    def __init__(self, model: ReadModel, encoder: ReadEncoder) -> None:
        super().__init__()
        self.front = Front(model, encoder)
        width = self.front.encoder.size
        layers = Recurrent(chosen_cell(model), width, width, 1, **layer_options(model))
        attention = Attention(width, width, "general")
        embedding = Embedding(encoder.count, width)
        self.decoder = Decoder(embedding, layers, attention, width, dropout=model.dropout)
        self.bridge = Bridge(self.front.encoder.layers, layers)

    def begin(self, x: Tensor, lengths: Tensor) -> DecoderState:
        """Return the decoder's state before the first sign of each line."""
        states, lengths, last = self.front(x, lengths)
        attention = self.decoder.attention
        assert attention is not None
        return self.decoder.begin(self.bridge(last), attention.prepare(states, lengths))

    def losses(self, batch: Batch, power: float = 0.0) -> Tensor:
        """Return the negative log probability of each line's signs and end, [B]."""
        found = self.decoder(batch.read, self.begin(*self.front.changed(batch, power)))
        logs = self.decoder.log_probs(found)
        nats = -logs.gather(2, batch.wanted[..., None])[..., 0]
        each: Tensor = (nats * (batch.wanted > 0)).sum(0)
        return each


def _without_x(points: Tensor) -> Tensor:
    """Return the features of points without their place along the line, which says nothing."""
    place = FEATURES.index("x")
    return torch.cat([points[..., :place], points[..., place + 1 :]], -1)


def built(model: ReadModel, encoder: ReadEncoder) -> nn.Module:
    """Return the untrained network of the settings."""
    return Reader(model, encoder) if model.head == "ctc" else Writer(model, encoder)

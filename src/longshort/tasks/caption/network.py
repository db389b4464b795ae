"""The network: the image's places as a memory, its whole as first state, and a decoder.

Letters: S places, D and G sizes of their features and of the whole's, M memory, T tokens of the
caption, B batch, V known tokens. After Show, Attend and Tell (Xu et al., 2015).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.nn.blocks.attention import Attention, Memory
from longshort.nn.blocks.decoder import Decoder, DecoderState, Decodes
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.first_states import FirstStates
from longshort.nn.blocks.own_words import read_own_words
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.caption.config import CaptionModel
from longshort.tasks.caption.encoder import Batch, CaptionEncoder


class Losses(NamedTuple):
    """Mean losses of a batch over all tokens that are to be written.

    nats: negative log-likelihood; weighted: likewise, by the weights of the captions; uniform: mean
    of it over all known tokens, which label smoothing adds; unspread: the doubly stochastic
    penalty, 0 without attention.
    """

    nats: Tensor
    weighted: Tensor
    uniform: Tensor
    unspread: Tensor


class Captioner(Decodes):
    """Writes captions of images whose features are given.

    Of a place the memory holds its own features and those of the whole image, in one sum, so that
    every word is written with both in view.
    """

    def __init__(self, model: CaptionModel, encoder: CaptionEncoder) -> None:
        super().__init__()
        hidden, size = model.hidden or 2, model.embedding or 1
        places, whole = encoder.places, encoder.whole
        source = whole if whole is not None else places
        assert source is not None
        self.whole = nn.Linear(source.shape[-1], hidden)
        self.dropout = nn.Dropout(model.dropout)
        attention = None
        if model.attention != "none":
            assert places is not None
            self.places = nn.Linear(places.shape[-1], hidden)
            self.around = nn.Linear(hidden, hidden, bias=False)
            width = model.attention_size if model.attention == "additive" else None
            attention = Attention(hidden, hidden, model.attention, width)
        more = {"after": 0, "feeding": size, "before": hidden}[model.placement]
        between = model.dropout if model.num_layers > 1 else 0.0
        layers = Recurrent(
            chosen_cell(model),
            size + more,
            hidden,
            model.num_layers,
            dropout=between,
            **layer_options(model),
        )
        self.first = FirstStates(hidden, layers)
        self.decoder = Decoder(
            Embedding(len(encoder.coder), size), layers, attention, hidden,
            placement=model.placement, dropout=model.dropout,
        )  # fmt: skip

    def begin(self, batch: Batch) -> DecoderState:
        """Return the decoder's state before the first token of each image."""
        vectors = batch.places.mean(1) if batch.whole is None else batch.whole
        whole = self.dropout(self.whole(self.dropout(vectors)).relu())
        return self.decoder.begin(self.first(whole), self._memory(batch, whole))

    def losses(self, batch: Batch, own: float = 0.0) -> Losses:
        """Return the mean losses of images with their captions.

        own: chance that a step reads the network's last word instead of the true one.
        """
        found = read_own_words(self.decoder, batch.read, self.begin(batch), own)
        real = batch.wanted > 0
        scores = F.linear(found.outputs[real], self.decoder.embedding.weight, self.decoder.bias)
        logs = scores.log_softmax(-1)
        nats = -logs.gather(1, batch.wanted[real][:, None])[:, 0]
        weights = batch.weights.expand_as(batch.wanted)[real]
        weighted = (weights * nats).sum() / weights.sum().clamp_min(1e-6)
        unspread = _unspread(found.weights, real, nats)
        return Losses(nats.mean(), weighted, -logs.mean(), unspread)

    def _memory(self, batch: Batch, whole: Tensor) -> Memory | None:
        attention = self.decoder.attention
        if attention is None:
            return None
        places = self.places(batch.places) + self.around(whole)[:, None]
        steps = self.dropout(places).transpose(0, 1)
        return attention.prepare(steps, torch.full((places.shape[0],), steps.shape[0]))


def _unspread(weights: Tensor | None, real: Tensor, like: Tensor) -> Tensor:
    """Mean over images and places of (1 - Σ_t α)², weights [T, B, S], real [T, B]."""
    if weights is None:
        return like.new_zeros(())
    each = (weights * real[..., None]).sum(0)
    penalty: Tensor = (1 - each).square().mean()
    return penalty

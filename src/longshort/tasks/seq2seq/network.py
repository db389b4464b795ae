"""The network: encoder, bridge, and a decoder that attends.

Letters: S steps of the source, T of the target, B batch, V tokens of the target.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from longshort.nn.blocks.attention import Attention
from longshort.nn.blocks.bridge import Bridge
from longshort.nn.blocks.decoder import Decoded, Decoder, DecoderState, Decodes
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.encoder import Encoder
from longshort.nn.blocks.own_words import read_own_words
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.seq2seq.config import PairModel
from longshort.tasks.seq2seq.encoder import Batch


class Losses(NamedTuple):
    """Mean losses of a batch over all tokens that are to be written.

    nats: negative log-likelihood; uniform: mean of it over all tokens of the vocabulary, which
    label smoothing adds; unspread: the coverage loss, 0 without coverage.
    """

    nats: Tensor
    uniform: Tensor
    unspread: Tensor


class EncoderDecoder(Decodes):
    """Reads a source in both directions and writes a target token by token.

    sources, targets: numbers of known tokens on each side; where both sides have one set of tokens,
    `model.tied` makes them share their vectors.
    """

    def __init__(self, model: PairModel, sources: int, targets: int) -> None:
        super().__init__()
        size, hidden = model.embedding or 1, model.hidden or 1
        embedding = Embedding(targets, size)
        self.vectors = None if model.tied else Embedding(sources, size)
        """Vectors of the sources' tokens; None where they are those of the targets."""
        cell, dropout = chosen_cell(model), model.dropout
        between = dropout if model.num_layers > 1 else 0.0
        layers, options = model.num_layers, layer_options(model)
        reader = Recurrent(
            cell, size, (hidden + 1) // 2, layers, bidirectional=True, dropout=between, **options
        )
        self.encoder = Encoder(reader, dropout)
        width, attention = self.encoder.size, None
        if model.attention != "none":
            attention = Attention(hidden, width, model.attention, coverage=model.coverage)
        more = {"after": 0, "feeding": size, "before": width}[model.placement]
        writer = Recurrent(cell, size + more, hidden, layers, dropout=between, **options)
        self.decoder = Decoder(
            embedding, writer, attention, width,
            placement=model.placement, copying=model.copying, dropout=dropout,
        )  # fmt: skip
        self.bridge = Bridge(reader, writer)

    def begin(self, source: Tensor, lengths: Tensor) -> DecoderState:
        """Return the decoder's state before the first token of each source."""
        return self.begin_with(self.source_vectors(source), lengths)

    def source_vectors(self, source: Tensor) -> Tensor:
        """Return the vectors of the sources' tokens."""
        embedding = self.decoder.embedding if self.vectors is None else self.vectors
        found: Tensor = embedding(source)
        return found

    def begin_with(self, vectors: Tensor, lengths: Tensor) -> DecoderState:
        """Do what `begin` does, for sources as vectors [S, B, E]."""
        states, last = self.encoder(vectors, lengths)
        attention = self.decoder.attention
        memory = None if attention is None else attention.prepare(states, lengths)
        return self.decoder.begin(self.bridge(last), memory)

    def losses(self, batch: Batch, own: float = 0.0) -> Losses:
        """Return the mean losses; own: chance that a step reads the network's last word."""
        state = self.begin(batch.source, batch.lengths)
        found = read_own_words(self.decoder, batch.read, state, own, batch.source)
        real = batch.wanted > 0
        logs = self._log_probs(found, real, batch.source)
        nats = -logs.gather(1, batch.wanted[real][:, None]).mean()
        again = found.unspread
        unspread = nats.new_zeros(()) if again is None else again[real].mean()
        return Losses(nats, -logs.mean(), unspread)

    def _log_probs(self, found: Decoded, real: Tensor, source: Tensor) -> Tensor:
        """Log probabilities [n, V] of the n places that are no padding."""
        if found.copying is not None:
            return self.decoder.log_probs(found, source)[real]
        scores = F.linear(found.outputs[real], self.decoder.embedding.weight, self.decoder.bias)
        return scores.log_softmax(-1)

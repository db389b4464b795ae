"""The tagger: vectors of words and spellings, recurrent layers, a random field over the tags.

After Lample et al. (2016) and Ma & Hovy (2016).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.data.vocabulary import UNKNOWN
from longshort.nn.blocks.characters import CharacterCNN, CharacterLSTM
from longshort.nn.blocks.crf import CRF, bioes_rules
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.tag.config import TagModel
from longshort.tasks.tag.encoder import Batch, TagEncoder
from longshort.tasks.tag.spelling import SHAPES


class Tagger(nn.Module):
    """The network of a tagger: from a batch of sentences to scores of the tags, [T, B, K]."""

    def __init__(self, model: TagModel, encoder: TagEncoder) -> None:
        super().__init__()
        self.words = Embedding(len(encoder.vocabulary), model.embedding)
        self.words.weight.requires_grad_(not model.freeze)
        width = model.embedding
        self.shapes = self.pairs = None
        self.characters = _speller(model, len(encoder.characters))
        width += model.characters or 0
        if model.shapes:
            self.shapes = Embedding(len(SHAPES), model.shapes)
            width += model.shapes
        if model.pairs:
            self.pairs = Embedding(len(encoder.pairs), model.pairs)
            width += model.pairs
        counts, alpha = torch.tensor(encoder.counts, dtype=torch.float32), model.word_dropout
        unread = alpha / (alpha + counts) if alpha else torch.zeros(len(counts))
        self.register_buffer("unread", unread, persistent=False)
        self.dropout = nn.Dropout(model.dropout)
        self.layers = Recurrent(
            chosen_cell(model),
            width,
            model.hidden,
            model.num_layers,
            bidirectional=model.bidirectional,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            recurrent_dropout=model.recurrent_dropout,
            **layer_options(model),
        )
        tags = encoder.tags
        self.head = nn.Linear(self.layers.output_size, len(tags))
        rules = {} if encoder.scheme == "plain" else bioes_rules(tags)
        self.crf = CRF(len(tags), **rules) if model.crf else None

    def forward(self, batch: Batch[Tensor]) -> Tensor:
        """Return the scores [T, B, K]; in training rare words are read as unknown by chance."""
        if self.training:
            batch = self._with_unknowns(batch)
        return self.scored(self.vectors(batch), batch.lengths)

    def vectors(self, batch: Batch[Tensor]) -> Tensor:
        """Return the vectors [T, B, W] of the tokens: of words, spellings, shapes and pairs."""
        vectors = [self.words(batch.words)]
        if self.characters is not None:
            spelled = self.characters(batch.spellings, batch.spelled)
            vectors.append(F.embedding(batch.which, spelled))
        if self.shapes is not None:
            vectors.append(self.shapes(batch.shapes))
        if self.pairs is not None:
            vectors.append(self.pairs(batch.pairs))
        return torch.cat(vectors, 2)

    def scored(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores [T, B, K] for vectors [T, B, W] of tokens."""
        states, _ = self.layers(self.dropout(vectors), lengths=lengths)
        scores: Tensor = self.head(self.dropout(states))
        return scores

    def _with_unknowns(self, batch: Batch[Tensor]) -> Batch[Tensor]:
        """Replace words, and the pairs that they are in, by the unknown one at random.

        The rate falls with a word's count (Kiperwasser & Goldberg, 2016), so that the vector of
        unknown words is learned.
        """
        rate = self.get_buffer("unread")
        unread = torch.rand(batch.words.shape, device=rate.device) < rate[batch.words]
        unread &= batch.words > 0
        in_pair = unread | F.pad(unread[1:], (0, 0, 0, 1))
        in_pair &= batch.pairs > 0
        return replace(
            batch,
            words=batch.words.masked_fill(unread, UNKNOWN),
            pairs=batch.pairs.masked_fill(in_pair, UNKNOWN),
        )

    def losses(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log-likelihood of each sentence's tags [T, B], as [B] in nats."""
        if self.crf is not None:
            found: Tensor = self.crf(scores, tags, lengths)
            return found
        within = torch.arange(tags.shape[0], device=tags.device)[:, None] < lengths.to(tags.device)
        each = F.cross_entropy(scores.permute(0, 2, 1), tags, reduction="none")
        return (each * within).sum(0)

    def field(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the scores of a random field: transitions [K, K], first and last tags [K].

        They are zeros if the network has none.
        """
        if self.crf is not None:
            return self.crf.weights()
        count = self.head.out_features
        none = self.head.weight.new_zeros(count, dtype=torch.float64)
        return none.expand(count, count), none, none


def _speller(model: TagModel, count: int) -> CharacterCNN | CharacterLSTM | None:
    """Return the network that reads the spelling of tokens; count: known characters."""
    size, width, dropout = model.character_embedding, model.characters, model.dropout / 2
    if not width:
        return None
    if model.character_model == "lstm":
        return CharacterLSTM(count, size, width, dropout)
    return CharacterCNN(count, size, width, model.kernel, dropout)

"""The classifier: embedding or numbers, convolution, recurrent layers, pooling, a linear head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from longshort.config.classify import ClassifyModel
from longshort.nn.blocks.convolution import Convolution
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.pooling import Pooling
from longshort.nn.blocks.summary import Summary
from longshort.nn.recurrent import Recurrent
from longshort.tasks.cell import chosen_cell


class Classifier(nn.Module):
    """Token numbers [T, B], or values [T, B, F], and lengths [B] to logits [M, B, K].

    M networks learn the same from different beginnings, and their probabilities are averaged
    (Lakshminarayanan et al., 2017).
    """

    def __init__(
        self, model: ClassifyModel, classes: int, *, tokens: int | None, features: int | None
    ) -> None:
        super().__init__()
        self.classes = classes
        self.members = nn.ModuleList(
            Member(model, classes, tokens=tokens, features=features)
            for _ in range(model.members or 1)
        )

    @property
    def embeddings(self) -> list[Embedding]:
        """Of every network that has one."""
        members = (each for each in self.members if isinstance(each, Member))
        return [each.embedding for each in members if each.embedding is not None]

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The logits of each network."""
        return torch.stack([member(x, lengths) for member in self.members])

    def log_probabilities(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Of the networks together, [B, K], in float64 on the CPU."""
        each = self(x, lengths).cpu().double().log_softmax(-1)
        found: Tensor = each.logsumexp(0) - math.log(len(each))
        return found


class Member(nn.Module):
    """One network: token numbers [T, B], or values [T, B, F], and lengths [B] to logits [B, K]."""

    def __init__(
        self, model: ClassifyModel, classes: int, *, tokens: int | None, features: int | None
    ) -> None:
        super().__init__()
        self.embedding = None
        width = features or 0
        if tokens is not None:
            self.embedding = Embedding(tokens, model.embedding, model.word_dropout)
            self.embedding.weight.requires_grad_(not model.freeze)
            width = model.embedding
        self.dropout = nn.Dropout(model.dropout)
        self.convolution = None
        if model.convolution:
            assert model.kernel is not None
            self.convolution = Convolution(width, model.convolution, model.kernel)
            width = model.convolution
        self.layers = Recurrent(
            chosen_cell(model),
            width,
            model.hidden,
            model.num_layers,
            bidirectional=model.bidirectional,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            recurrent_dropout=model.recurrent_dropout,
        )
        width = self.layers.output_size
        self.pooling = Pooling(model.pooling, width, width // 2 if model.bidirectional else 0)
        self.summary = None
        if model.summary and features is not None:
            self.summary = Summary()
            width += Summary.columns * features
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The logits."""
        whole = [] if self.summary is None else [self.summary(x, lengths)]
        if self.embedding is not None:
            x = self.dropout(self.embedding(x))
        if self.convolution is not None:
            x = self.convolution(x, lengths)
        states, _ = self.layers(x, lengths=lengths)
        pooled = torch.cat([self.pooling(states, lengths), *whole], 1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits

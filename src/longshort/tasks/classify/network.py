"""The classifier's network: embedding, convolutions, recurrent layers, pooling, a linear head."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from longshort.nn.blocks.convolution import Convolution, Convolutions
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.grams import Bag, GramVectors
from longshort.nn.blocks.patches import patches
from longshort.nn.blocks.pictures import PictureConvolutions
from longshort.nn.blocks.pooling import Pooling
from longshort.nn.blocks.stepwise import State, advance, can_step, first_state
from longshort.nn.blocks.stretches import stretches
from longshort.nn.blocks.summary import Summary
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.classify.config import ClassifyModel
from longshort.tasks.classify.logits import logits_of

_SPREAD, _SPREAD_BESIDE_GRAMS = 0.1, 0.5
"""Largest value in a new vector: small networks beside n-grams learn little from small ones."""


class Classifier(nn.Module):
    """An ensemble of M networks: token numbers [T, B] or values [T, B, F] to logits [M, B, K].

    The networks have the same task and different initial weights, and their probabilities are
    averaged (Lakshminarayanan et al., 2017). classes: number of labels, K; tokens: size of the
    vocabulary of texts; features: channels of arrays, F; grams: number of n-grams that the head
    reads beside the pooled states; picture: size of the pictures that values are, such as 24x32.
    """

    def __init__(
        self,
        model: ClassifyModel,
        classes: int,
        *,
        tokens: int | None,
        features: int | None,
        grams: int | None = None,
        picture: str | None = None,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.members = nn.ModuleList(
            Member(model, classes, tokens=tokens, features=features, grams=grams, picture=picture)
            for _ in range(model.members or 1)
        )

    @property
    def embeddings(self) -> list[Embedding]:
        """The embedding of each network that has one."""
        members = (each for each in self.members if isinstance(each, Member))
        return [each.embedding for each in members if each.embedding is not None]

    logits = logits_of

    @property
    def steps(self) -> bool:
        """Whether numbers can be read step by step, from a state instead of the history."""
        return all(isinstance(each, Member) and each.steps for each in self.members)

    def first_state(self) -> list[State]:
        """Return the state of one sequence of values before its first step, for each network."""
        return [cast(Member, each).first_state() for each in self.members]

    def advance(self, x: Tensor, state: list[State]) -> tuple[Tensor, list[State]]:
        """Return the logits [M, B, K] of sequences with one more step x [B, F], and the state."""
        pairs = zip(self.members, state, strict=True)
        found = [cast(Member, each).advance(x, own) for each, own in pairs]
        return torch.stack([logits for logits, _ in found]), [after for _, after in found]

    def forward(self, x: Tensor, lengths: Tensor, bag: Bag | None = None) -> Tensor:
        """Return the logits [M, B, K] of each network; lengths: [B]."""
        return torch.stack([member(x, lengths, bag) for member in self.members])


class Member(nn.Module):
    """One network: token numbers [T, B] or values [T, B, F] to logits [B, K]."""

    def __init__(
        self,
        model: ClassifyModel,
        classes: int,
        *,
        tokens: int | None,
        features: int | None,
        grams: int | None = None,
        picture: str | None = None,
    ) -> None:
        super().__init__()
        self.embedding = self.picture = None
        self.patch = model.patch
        width = (features or 0) * model.patch
        if picture is not None and model.picture_filters:
            self.picture = PictureConvolutions(picture, model.picture_filters, model.hidden)
            width = model.hidden * model.patch
        if tokens is not None:
            spread = _SPREAD if grams is None else _SPREAD_BESIDE_GRAMS
            self.embedding = Embedding(tokens, model.embedding, model.word_dropout, spread)
            self.embedding.weight.requires_grad_(not model.freeze)
            width = model.embedding
        self.dropout = nn.Dropout(model.dropout)
        self.convolution, self.convolutions, shapes = None, None, 0
        if model.convolution:
            assert model.kernel is not None
            filters, kernel, stride = model.convolution, model.kernel, model.stride or 1
            count = model.convolutions or 1
            if count == 1:
                self.convolution = Convolution(width, filters, kernel, stride)
            else:
                self.convolutions = Convolutions(width, filters, kernel, count, stride)
                self.mean, shapes = Pooling("mean", filters), filters
            width = filters
        self.stretches = model.stretches
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
        width = self.layers.output_size
        self.pooling = Pooling(model.pooling, width, width // 2 if model.bidirectional else 0)
        width += shapes
        self.summary = None
        if model.summary and features is not None:
            self.summary = Summary()
            width += Summary.columns * features
        self.grams = None if grams is None else GramVectors(grams)
        self.head = nn.Linear(width + (0 if grams is None else GramVectors.width), classes)

    def forward(self, x: Tensor, lengths: Tensor, bag: Bag | None = None) -> Tensor:
        """Return the logits [B, K]; lengths: [B]. x may be vectors of tokens, [T, B, E], too."""
        whole = [] if self.summary is None else [self.summary(x, lengths)]
        if self.embedding is not None and not x.is_floating_point():
            x = self.dropout(self.embedding(x))
        else:
            x = x if self.picture is None else self.picture(x)
            x, lengths = patches(x, lengths, self.patch)
        if self.convolution is not None:
            x, lengths = self.convolution(x, lengths), self.convolution.lengths(lengths)
        if self.convolutions is not None:
            x, lengths = self.convolutions(x, lengths)
            whole.append(self.mean(x, lengths))
        if self.stretches is not None:
            x, lengths = stretches(x, lengths, self.stretches)
        states, _ = self.layers(x, lengths=lengths)
        pooled = self.dropout(torch.cat([self.pooling(states, lengths), *whole], 1))
        if self.grams is not None:
            assert bag is not None
            pooled = torch.cat([pooled, self.grams(bag)], 1)
        logits: Tensor = self.head(pooled)
        return logits

    @property
    def steps(self) -> bool:
        """Whether numbers can be read step by step, from a state instead of the history."""
        parts = (self.embedding, self.picture, self.convolution, self.convolutions, self.stretches)
        alone = self.patch == 1 and all(part is None for part in (*parts, self.grams))
        return alone and can_step(self.layers, self.pooling)

    def first_state(self) -> State:
        """Return the state of one sequence of values before its first step."""
        return first_state(self.layers, self.pooling, self.summary, self.layers.input_size)

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the logits [B, K] of sequences with one more step x [B, F], and the state."""
        seen, after = advance(self.layers, self.pooling, self.summary, x, state)
        return self.head(seen), after

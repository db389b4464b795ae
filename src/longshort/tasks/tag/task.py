"""The tagging task: batches of sentences in, likelihood of their tags out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.config.tag import TagConfig
from longshort.data.buckets import bucketed, count_batches, in_order_of_length
from longshort.data.conll import Tagged
from longshort.data.splits import Splits
from longshort.data.vocabulary import UNKNOWN
from longshort.metrics.entities import Entity, scores
from longshort.tasks.tag.fitted import Batch, Encoded, Fitted, entities_of
from longshort.tasks.tag.network import Tagger
from longshort.tasks.vectors import start_from_vectors
from longshort.train.learning import Learning, TrainPlan

_EVALUATED = 64


class TagTask(Learning):
    """A tagger in training."""

    def __init__(self, config: TagConfig, parts: Splits[Tagged]) -> None:
        self.config, self.parts = config, parts
        self.fitted = Fitted.fit(parts.train, config)
        self.train = self.fitted.encode(parts.train)
        self.val = self.fitted.encode(parts.val)
        self.val_entities = entities_of(parts.val, self.fitted.scheme)
        self._lengths = self.train.lengths
        counts = torch.tensor(self.fitted.counts, dtype=torch.float32)
        alpha = config.model.word_dropout
        self._unread = alpha / (alpha + counts) if alpha else torch.zeros(len(counts))
        torch.manual_seed(config.train.seed)
        self.network = Tagger(config.model, self.fitted)
        self.coverage = self._start_from_vectors()
        self.network.to(config.train.device)

    def _start_from_vectors(self) -> str | None:
        file = self.config.model.vectors
        if file is None:
            return None
        return start_from_vectors([self.network.words.weight], file, self.fitted.vocabulary)

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    @property
    def num_samples(self) -> int:
        """Training sentences, or pieces of long ones."""
        return len(self.train.pieces)

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Sentences of nearly the same length together, each once, or as many as a cap leaves."""
        found = bucketed(self._lengths, plan.batch_size, draw)
        return found[: self.config.train.steps_per_epoch]

    def count_batches(self, batch_size: int) -> int:
        """Of an epoch without a cap."""
        return count_batches(self._lengths, batch_size)

    @property
    def unit(self) -> str:
        """Of speed."""
        return "tokens"

    def size(self, samples: Tensor) -> int:
        """Tokens."""
        return int(self._lengths[samples].sum())

    def loss(self, samples: Tensor) -> Tensor:
        """Mean negative log-likelihood of a sentence's tags, with rare words read as unknown."""
        device = self.config.train.device
        batch, tags = self.train.batch(samples), self.train.tags(samples)
        found = self.network(self._with_unknowns(batch).to(device))
        return self.network.losses(found, tags.to(device), batch.lengths).mean()

    def _with_unknowns(self, batch: Batch) -> Batch:
        """Words read as unknown by chance, and the pairs that they are in.

        The rate falls with a word's count (Kiperwasser & Goldberg, 2016), so that the vector of
        unknown words is learned.
        """
        unread = torch.rand(batch.words.shape) < self._unread[batch.words]
        unread &= batch.words > 0
        in_pair = unread | F.pad(unread[1:], (0, 0, 0, 1))
        in_pair &= batch.pairs > 0
        return replace(
            batch,
            words=batch.words.masked_fill(unread, UNKNOWN),
            pairs=batch.pairs.masked_fill(in_pair, UNKNOWN),
        )

    @property
    def measure(self) -> str:
        """F1's complement."""
        return "error (1 - entity F1)"

    def validate(self) -> float:
        """1 - entity F1; of equal ones the more likely tags are better.

        F1 is 2 * right / (predicted + true), so two that differ do so by more than the loss counts.
        """
        found = tag(self.network, self.fitted, self.val, self.config.train.device)
        loss = float(torch.tensor(found.losses).mean())
        most = sum(map(len, self.val_entities)) + int(self.val.lengths.sum())
        f1 = scores(self.val_entities, found.entities)["f1"]
        return 1.0 - f1 + loss / (1.0 + loss) / most**2


@dataclass(frozen=True)
class Found:
    """What a tagger found in sentences."""

    tags: list[list[str]]
    """As the network has them."""
    entities: list[list[Entity]]
    losses: list[float]
    """Negative log-likelihood of each sentence's true tags, where there are true tags."""


def tag(network: Tagger, fitted: Fitted, encoded: Encoded, device: str) -> Found:
    """Tags of all sentences, without gradients and dropout."""
    network.eval()
    names = fitted.tags
    pieces: list[list[int]] = [[] for _ in encoded.pieces]
    losses = [0.0] * encoded.sentences
    with torch.no_grad():
        for samples in in_order_of_length(encoded.lengths, _EVALUATED):
            batch = encoded.batch(samples)
            scored = network(batch.to(device))
            paths = network.decode(scored, batch.lengths)
            for number, path in zip(samples.tolist(), paths, strict=True):
                pieces[number] = path
            if encoded.targets:
                tags = encoded.tags(samples).to(device)
                each = network.losses(scored, tags, batch.lengths).tolist()
                for number, loss in zip(samples.tolist(), each, strict=True):
                    losses[encoded.pieces[number].sentence] += loss
    found: list[list[str]] = [[] for _ in range(encoded.sentences)]
    for piece, path in zip(encoded.pieces, pieces, strict=True):
        found[piece.sentence] += [names[number] for number in path]
    return Found(found, [fitted.entities(tags) for tags in found], losses)

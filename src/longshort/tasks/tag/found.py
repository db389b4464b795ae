"""Predictions of a tagger: tags and entities of sentences, with probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from longshort.tasks.tag.certainty import Certainty
from longshort.tasks.tag.encoder import Sentences, TagEncoder
from longshort.tasks.tag.entities import Entity


@dataclass(frozen=True)
class Found:
    """The predicted tags of every sentence, in the network's scheme, and the entities they mark.

    losses: negative log-likelihood of each sentence's true tags in nats, where these are known.
    certainties: probabilities of each sentence's predicted tags; empty for baselines.
    """

    tags: list[list[str]]
    entities: list[list[Entity]]
    losses: list[float] = field(default_factory=list)
    certainties: list[Certainty] = field(default_factory=list)

    def tag_probabilities(self, sentence: int) -> list[float]:
        """Return the probability of each tag of a sentence, in the network's scheme."""
        found: list[float] = self.certainties[sentence].tag.tolist()
        return found

    def entity_probabilities(self, sentence: int) -> list[float]:
        """Return for each entity of a sentence the probability that all its tags are right."""
        sure = self.certainties[sentence]
        return [sure.stretch(begin, end) for begin, end, _ in self.entities[sentence]]


def found_in(encoder: TagEncoder, tags: list[list[str]]) -> Found:
    """Return a prediction of these tags, which are in the network's scheme."""
    return Found(tags, [encoder.entities(each) for each in tags])


def decoded(
    encoder: TagEncoder,
    sentences: Sentences,
    paths: list[list[int]],
    losses: list[float],
    certainties: list[Certainty],
) -> Found:
    """Join the tag numbers, losses and certainties of all pieces to predictions of sentences."""
    names = encoder.tags
    tags: list[list[str]] = [[] for _ in range(sentences.count)]
    nats = [0.0] * sentences.count
    for piece, path in zip(sentences.pieces, paths, strict=True):
        tags[piece.sentence] += [names[number] for number in path]
    for piece, loss in zip(sentences.pieces, losses, strict=False):
        nats[piece.sentence] += loss
    nothing = Certainty(np.zeros(0), np.zeros(0))
    sure = [nothing] * sentences.count if certainties or not sentences.pieces else []
    for piece, each in zip(sentences.pieces, certainties, strict=False):
        sure[piece.sentence] += each
    return Found(tags, [encoder.entities(each) for each in tags], nats, sure)

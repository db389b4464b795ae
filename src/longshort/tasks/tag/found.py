"""What a tagger found in sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshort.tasks.tag.encoder import Sentences, TagEncoder
from longshort.tasks.tag.entities import Entity


@dataclass(frozen=True)
class Found:
    """Of every sentence: the tags as the network has them, what they mark, and the negative
    log-likelihood of the true tags in nats where there are such."""

    tags: list[list[str]]
    entities: list[list[Entity]]
    losses: list[float] = field(default_factory=list)


def found_in(encoder: TagEncoder, tags: list[list[str]]) -> Found:
    """What these tags of the network's scheme mark."""
    return Found(tags, [encoder.entities(each) for each in tags])


def decoded(
    encoder: TagEncoder, sentences: Sentences, paths: list[list[int]], losses: list[float]
) -> Found:
    """Numbers of tags and losses of every piece, joined to sentences."""
    names = encoder.tags
    tags: list[list[str]] = [[] for _ in range(sentences.count)]
    nats = [0.0] * sentences.count
    for piece, path in zip(sentences.pieces, paths, strict=True):
        tags[piece.sentence] += [names[number] for number in path]
    for piece, loss in zip(sentences.pieces, losses, strict=False):
        nats[piece.sentence] += loss
    return Found(tags, [encoder.entities(each) for each in tags], nats)

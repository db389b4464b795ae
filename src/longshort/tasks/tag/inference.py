"""Prediction of a trained tagger."""

from __future__ import annotations

import torch

from longshort.data.buckets import in_order_of_length
from longshort.runs.batches import on_device
from longshort.tasks.tag.certainty import Certainty, certainties
from longshort.tasks.tag.encoder import Sentences, TagEncoder
from longshort.tasks.tag.found import Found, decoded
from longshort.tasks.tag.network import Tagger

_TOGETHER = 64
"""Number of pieces in a batch."""


@torch.no_grad()
def tag(
    network: Tagger,
    encoder: TagEncoder,
    sentences: Sentences,
    device: str,
    *,
    with_certainty: bool = True,
) -> Found:
    """Tag all sentences, without dropout; with losses if the sentences have tags.

    with_certainty: whether the probabilities of the tags are computed too.
    """
    network.eval()
    field = network.field()
    sure: list[Certainty | None] = [None] * len(sentences.pieces)
    paths: list[list[int]] = [[] for _ in sentences.pieces]
    losses = [0.0] * len(sentences.pieces) if sentences.targets else []
    for numbers in in_order_of_length(torch.from_numpy(sentences.lengths), _TOGETHER):
        batch = on_device(sentences.batch(numbers.numpy()), device)
        scores = network(batch)
        found = network.decode(scores, batch.lengths)
        for number, path in zip(numbers.tolist(), found, strict=True):
            paths[number] = path
        if with_certainty:
            values = certainties(scores.double().cpu().numpy(), found, field)
            for number, certainty in zip(numbers.tolist(), values, strict=True):
                sure[number] = certainty
        if batch.tags is not None:
            each = network.losses(scores, batch.tags, batch.lengths).tolist()
            for number, loss in zip(numbers.tolist(), each, strict=True):
                losses[number] = loss
    known = [each for each in sure if each is not None]
    return decoded(encoder, sentences, paths, losses, known)

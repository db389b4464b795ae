"""Tags of sentences by a trained network."""

from __future__ import annotations

import torch

from longshort.data.buckets import in_order_of_length
from longshort.runs.batches import on_device
from longshort.tasks.tag.encoder import Sentences, TagEncoder
from longshort.tasks.tag.found import Found, decoded
from longshort.tasks.tag.network import Tagger

_TOGETHER = 64
"""Pieces of a batch."""


@torch.no_grad()
def tag(network: Tagger, encoder: TagEncoder, sentences: Sentences, device: str) -> Found:
    """Tags of all sentences, without dropout; losses where the sentences have tags."""
    network.eval()
    paths: list[list[int]] = [[] for _ in sentences.pieces]
    losses = [0.0] * len(sentences.pieces) if sentences.targets else []
    for numbers in in_order_of_length(torch.from_numpy(sentences.lengths), _TOGETHER):
        batch = on_device(sentences.batch(numbers.numpy()), device)
        scores = network(batch)
        for number, path in zip(
            numbers.tolist(), network.decode(scores, batch.lengths), strict=True
        ):
            paths[number] = path
        if batch.tags is not None:
            each = network.losses(scores, batch.tags, batch.lengths).tolist()
            for number, loss in zip(numbers.tolist(), each, strict=True):
                losses[number] = loss
    return decoded(encoder, sentences, paths, losses)

"""Prediction of a trained tagger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from longshort.data.in_order import in_order_of_length
from longshort.runs.task import Model
from longshort.runtime.paths import best_paths
from longshort.tasks.tag.certainty import Certainty, Field, certainties, losses
from longshort.tasks.tag.encoder import Sentences, TagEncoder
from longshort.tasks.tag.found import Found, decoded

_TOGETHER = 64
"""Number of pieces in a batch."""


def tag(
    model: Model[Any, TagEncoder], sentences: Sentences, *, with_certainty: bool = True
) -> Found:
    """Tag all sentences; with losses if the sentences have tags.

    with_certainty: whether the probabilities of the tags are computed too.
    """
    field = Field(*model.call("field"))
    sure: list[Certainty | None] = [None] * len(sentences.pieces)
    paths: list[list[int]] = [[] for _ in sentences.pieces]
    nats = [0.0] * len(sentences.pieces) if sentences.targets else []
    for numbers in in_order_of_length(sentences.lengths, _TOGETHER):
        batch = sentences.batch(numbers)
        scores = model.call("forward", replace(batch, tags=None)).astype(np.float64)
        found = best_paths(scores, batch.lengths, field.transitions, field.start, field.end)
        for number, path in zip(numbers.tolist(), found, strict=True):
            paths[number] = path
        if with_certainty:
            values = certainties(scores, found, field)
            for number, certainty in zip(numbers.tolist(), values, strict=True):
                sure[number] = certainty
        if batch.tags is not None:
            each = losses(scores, batch.tags, batch.lengths, field).tolist()
            for number, loss in zip(numbers.tolist(), each, strict=True):
                nats[number] = loss
    known = [each for each in sure if each is not None]
    return decoded(model.encoder, sentences, paths, nats, known)

"""Scores of a tagger, the facts beside them in `scores.json`, and the table of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.metrics.f1 import compare_f1
from longshort.metrics.significance import Comparison
from longshort.runs.task import MODEL, Scored, Scores
from longshort.tasks.tag import entities as metrics
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.encoder import TagEncoder, entities_of
from longshort.tasks.tag.found import Found

SOFTMAX = "softmax"
SURENESS = ("probability", "entity_probability")
"""Columns of the table of tokens with the probabilities of tags and entities."""


def scores(encoder: TagEncoder, samples: Tagged, found: Found) -> Scores:
    """Return F1 over entities, token accuracy, and the counts [n, 3] for the paired test."""
    truth = entities_of(samples, encoder.scheme)
    values: dict[str, Any] = dict(metrics.scores(truth, found.entities))
    right = [
        pair[0] == pair[1]
        for true, own, tokens in zip(truth, found.entities, samples.tokens, strict=True)
        for pair in zip(
            encoder.tags_of(true, len(tokens)), encoder.tags_of(own, len(tokens)), strict=True
        )
    ]
    values["token_accuracy"] = sum(right) / len(right)
    return Scores(values, metrics.counts(truth, found.entities).astype(np.float64))


def compare(scored: Scored[Tagged, Found], one: str, other: str) -> Comparison:
    """Return the difference of F1, by a bootstrap over sentences."""
    first, second = (scored.scores[name].per_sample.astype(np.int64) for name in (one, other))
    return compare_f1(first, second)


def facts(encoder: TagEncoder, scored: Scored[Tagged, Found]) -> dict[str, Any]:
    """Return the sizes of the test split, its types, and their confusions."""
    samples, truth = scored.samples, entities_of(scored.samples, encoder.scheme)
    unseen = metrics.kind_counts(truth).keys() - {*encoder.kinds}
    kinds = [*encoder.kinds, *sorted(unseen)]
    own = scored.predictions[MODEL].entities
    return {
        "examples": len(samples),
        "tokens": sum(len(tokens) for tokens in samples.tokens),
        "entities": sum(len(each) for each in truth),
        "labels": kinds,
        "scheme": encoder.scheme,
        "confusion": metrics.confusion(truth, own, kinds).tolist(),
    }


def field_sentence(scored: Scored[Tagged, Found]) -> str:
    """Return a sentence about what the random field adds to the same network without it."""
    result = compare(scored, MODEL, SOFTMAX)
    adds = {"better": "adds", "worse": "costs"}.get(result.outcome, "changes nothing that is sure:")
    known = "" if result.low is None else f" (95 % interval {result.span('+.2%')})"
    gain = f"{100 * result.gain:+.2f} points of F1{known}"
    return f"is the same network without the random field, which {adds} {gain}"


def rows_of(
    encoder: TagEncoder, samples: Tagged, found: Found
) -> tuple[list[str], Sequence[tuple[object, ...]]]:
    """Return the names of the columns and the rows of a table with a row for every token.

    It has the place of the sentence, the token, the true tag if it is known, the predicted one, its
    probability, and that of its entity.
    """
    rows: list[tuple[object, ...]] = []
    truth = None if samples.tags is None else entities_of(samples, encoder.scheme)
    for i, (place, tokens) in enumerate(zip(samples.places, samples.tokens, strict=True)):
        predicted = encoder.tags_of(found.entities[i], len(tokens))
        true = [] if truth is None else [encoder.tags_of(truth[i], len(tokens))]
        columns = [tokens, *true, predicted, *_sureness(found, i)]
        rows += [(place, *each) for each in zip(*columns, strict=True)]
    texts = ["place", "token", "tag", *([] if truth is None else ["predicted"])]
    return [*texts, *SURENESS], rows


def _sureness(found: Found, sentence: int) -> tuple[list[float], list[float | None]]:
    """Return for each token the probability of its tag, and of its entity if it is in one."""
    tags = found.tag_probabilities(sentence)
    entities: list[float | None] = [None] * len(tags)
    sure = found.entity_probabilities(sentence)
    for (begin, end, _), p in zip(found.entities[sentence], sure, strict=True):
        entities[begin:end] = [p] * (end - begin)
    return tags, entities

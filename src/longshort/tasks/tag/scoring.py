"""The tagger beside its rivals on the test part, and whether it earned its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from longshort.config.tag import TagConfig
from longshort.data.conll import Tagged
from longshort.data.splits import Splits
from longshort.metrics import entities as metrics
from longshort.metrics.entities import Entity
from longshort.metrics.significance import Comparison, place_sentence
from longshort.tasks.cell import cell_title
from longshort.tasks.tag.fitted import Fitted, entities_of
from longshort.tasks.tag.network import Tagger
from longshort.tasks.tag.rivals import dictionary, majority_tag
from longshort.tasks.tag.task import tag

MODEL, SOFTMAX = "model", "softmax"
TITLES = {
    "majority_tag": "each word's most frequent tag",
    "dictionary": "a list of the training part's names",
}


@dataclass(frozen=True)
class Scored:
    """Tags and entities of the test part: true ones, and by the model and its rivals."""

    source: Tagged
    truth: list[list[Entity]]
    tags: dict[str, list[list[str]]]
    """In the training data's scheme."""
    entities: dict[str, list[list[Entity]]]
    losses: list[float]
    """The model's negative log-likelihood of each sentence's true tags, in nats."""


def score(
    network: Tagger, softmax: Tagger | None, fitted: Fitted, parts: Splits[Tagged], device: str
) -> Scored:
    """The network, the same without its random field, and lists of names, on the test part."""
    train, val, test = parts.train, parts.val, parts.test
    encoded = fitted.encode(test)
    found = tag(network, fitted, encoded, device)
    tags = {MODEL: found.tags, "majority_tag": majority_tag(train, val, test, fitted)}
    if fitted.scheme != "plain":
        tags["dictionary"] = dictionary(train, val, test, fitted)
    if softmax is not None:
        tags[SOFTMAX] = tag(softmax, fitted, encoded, device).tags
    entities = {name: [fitted.entities(each) for each in rows] for name, rows in tags.items()}
    own = {
        name: [fitted.tags_of(each, len(row)) for each, row in zip(rows, test.tokens, strict=True)]
        for name, rows in entities.items()
    }
    return Scored(test, entities_of(test, fitted.scheme), own, entities, found.losses)


def scores_of(scored: Scored, fitted: Fitted, config: TagConfig) -> dict[str, Any]:
    """The content of `scores.json`."""
    entries: dict[str, dict[str, Any]] = {
        name: metrics.scores(scored.truth, found) for name, found in scored.entities.items()
    }
    for name, entry in entries.items():
        entry["token_accuracy"] = _accuracy(scored, name, fitted)
    model = entries.pop(MODEL)
    model["per_type"] = metrics.per_type(scored.truth, scored.entities[MODEL])
    variants = {name: entries.pop(name) for name in (SOFTMAX,) if name in entries}
    rival = max(entries, key=lambda name: float(entries[name]["f1"]))
    result = _compared(scored, rival)
    notes = {name: _field_sentence(scored) for name in variants}
    unseen = {kind for found in scored.truth for _, _, kind in found} - {*fitted.kinds}
    kinds = [*fitted.kinds, *sorted(unseen)]
    return {
        "task": config.task,
        "examples": len(scored.source),
        "tokens": sum(len(tokens) for tokens in scored.source.tokens),
        "entities": sum(len(each) for each in scored.truth),
        "labels": kinds,
        "scheme": fitted.scheme,
        "test": {"model": model, "variants": variants, "baselines": entries},
        "confusion": metrics.confusion(scored.truth, scored.entities[MODEL], kinds).tolist(),
        "notes": notes,
        "metric": "f1",
        "best_rival": rival,
        "outcome": result.outcome,
        "gain": result.gain,
        "gain_95": [result.low, result.high],
        "verdict": _verdict(result, rival, model, entries[rival], config, len(scored.source)),
    }


def _accuracy(scored: Scored, name: str, fitted: Fitted) -> float:
    """Share of tokens with the true tag."""
    pairs = [
        pair
        for true, tags in zip(scored.truth, scored.tags[name], strict=True)
        for pair in zip(fitted.tags_of(true, len(tags)), tags, strict=True)
    ]
    return sum(true == tag for true, tag in pairs) / len(pairs)


def _verdict(
    result: Comparison,
    rival: str,
    model: dict[str, Any],
    other: dict[str, Any],
    config: TagConfig,
    count: int,
) -> str:
    return place_sentence(
        cell_title(config.model),
        result,
        f"entity F1 {100 * model['f1']:.2f} against {100 * other['f1']:.2f} of {TITLES[rival]}",
        f"{count:,} test sentences",
        f"difference {_points(result)}",
    )


def _field_sentence(scored: Scored) -> str:
    """What the random field adds to the same network without it."""
    result = _compared(scored, SOFTMAX)
    adds = {"better": "adds", "worse": "costs"}.get(result.outcome, "changes nothing that is sure:")
    known = "" if result.low is None else f" (95 % interval {_points(result)})"
    points = f"{100 * result.gain:+.2f} points of F1{known}"
    return f"is the same network without the random field, which {adds} {points}"


def _points(result: Comparison) -> str:
    if result.low is None or result.high is None:
        return ""
    return f"{100 * result.low:+.2f} to {100 * result.high:+.2f}"


def _compared(scored: Scored, other: str) -> Comparison:
    return metrics.compare_f1(
        *(metrics.counts(scored.truth, scored.entities[name]) for name in (MODEL, other))
    )


def predictions(scored: Scored, fitted: Fitted) -> pl.DataFrame:
    """One row per test token: the place of its sentence, token, true tag, predicted tag."""
    rows = [
        (place, token, true, found)
        for place, tokens, entities, tags in zip(
            scored.source.places, scored.source.tokens, scored.truth, scored.tags[MODEL],
            strict=True,
        )
        for token, true, found in zip(
            tokens, fitted.tags_of(entities, len(tokens)), tags, strict=True
        )
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["place", "token", "tag", "predicted"], orient="row")

"""The classifier beside its rivals on the test part, and whether it earned its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.config.classify import ClassifyConfig
from longshort.data.labelled import Examples
from longshort.metrics import classification as metrics
from longshort.metrics.classification import compare_accuracy, luck_of_best
from longshort.tasks.cell import cell_title
from longshort.tasks.classify.baselines import Known, baselines
from longshort.tasks.classify.fitted import Fitted
from longshort.tasks.classify.gram_network import GramNetwork, gram_baseline
from longshort.tasks.classify.network import Classifier
from longshort.tasks.classify.sentence import Standing, sentence
from longshort.tasks.classify.task import ClassifyTask, probabilities_of
from longshort.train.learning import Tell, untold

Floats = NDArray[np.float64]
MODEL = "model"


@dataclass(frozen=True)
class Scored:
    """Probabilities [n, K] of the model and its baselines on the test part."""

    examples: Examples
    truth: NDArray[np.int64]
    probabilities: dict[str, Floats]
    notes: dict[str, str]
    titles: dict[str, str]
    """What each baseline is called in the verdict."""


def score(task: ClassifyTask, grams: GramNetwork | None, tell: Tell = untold) -> Scored:
    """The test part, seen for the first time; `grams` is the baseline that was trained."""
    parts, test = task.parts, task.fitted.encode(task.parts.test)
    known = Known(parts.train, task.train), Known(parts.val, task.val), Known(parts.test, test)
    return score_on(task.network, grams, *known, task.config.train.device, tell)


def score_on(
    network: Classifier,
    grams: GramNetwork | None,
    train: Known,
    val: Known,
    test: Known,
    device: str,
    tell: Tell = untold,
) -> Scored:
    """Probabilities for `test` of the network, of that without recurrent layers, and of baselines.

    The last are fitted to `train`, their settings chosen on `val` where it is large enough.
    """
    model = probabilities_of(network, test.encoded, device)
    others = baselines(train, val, test, network.classes, tell)
    if grams is not None:
        others.append(gram_baseline(grams, test.encoded, device))
    found = {MODEL: model} | {each.name: each.probabilities for each in others}
    notes = {each.name: each.note for each in others if each.note is not None}
    titles = {each.name: each.title for each in others}
    return Scored(test.examples, test.targets.numpy(), found, notes, titles)


def scores_of(scored: Scored, fitted: Fitted, config: ClassifyConfig) -> dict[str, Any]:
    """The content of `scores.json`."""
    entries = {name: metrics.scores(scored.truth, p) for name, p in scored.probabilities.items()}
    model: dict[str, Any] = dict(entries.pop(MODEL))
    table = metrics.confusion(
        scored.truth, scored.probabilities[MODEL].argmax(1), len(fitted.labels)
    )
    each = metrics.per_class(table)
    model["per_class"] = {
        label: {name: float(values[i]) for name, values in each.items()}
        for i, label in enumerate(fitted.labels)
    }
    rival = max(entries, key=lambda name: entries[name]["accuracy"])
    luck = luck_of_best([_right(scored, name) for name in entries])
    result = compare_accuracy(_right(scored, MODEL), _right(scored, rival), luck)
    constant = scored.probabilities["majority"]
    standing = Standing(
        cell_title(config.model),
        scored.titles[rival],
        len(scored.truth),
        (model["accuracy"], entries[rival]["accuracy"]),
        any(metrics.says_more(scored.truth, p, constant) for p in scored.probabilities.values()),
    )
    return {
        "task": config.task,
        "examples": len(scored.truth),
        "labels": list(fitted.labels),
        "test": {"model": model, "baselines": entries},
        "confusion": table.tolist(),
        "notes": scored.notes,
        "metric": "accuracy",
        "best_rival": rival,
        "outcome": result.outcome,
        "gain": result.gain,
        "gain_95": [result.low, result.high],
        "verdict": sentence(result, standing),
    }


def _right(scored: Scored, name: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = scored.probabilities[name].argmax(1) == scored.truth
    return found


def predictions(scored: Scored, fitted: Fitted) -> pl.DataFrame:
    """One row per test example: where it stands, truth, prediction, probability, loss; hard first.

    Texts are shortened to 200 characters.
    """
    p = scored.probabilities[MODEL]
    rows = np.arange(len(scored.truth))
    loss = -np.log(np.clip(p[rows, scored.truth], 1e-12, None))
    order = np.argsort(-loss, kind="stable")
    table = {
        "place": [scored.examples.places[i] for i in order],
        "label": [fitted.labels[scored.truth[i]] for i in order],
        "predicted": [fitted.labels[int(p[i].argmax())] for i in order],
        "probability": [float(p[i].max()) for i in order],
        "loss": [float(loss[i]) for i in order],
    }
    if scored.examples.is_text:
        table["text"] = [str(scored.examples.items[i])[:200] for i in order]
    return pl.DataFrame(table)

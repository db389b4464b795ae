"""The classifier beside its rivals on the test part, and whether it earned its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.config.classify import ClassifyConfig
from longshort.data.labelled import Examples
from longshort.evaluate import classification as metrics
from longshort.evaluate.classification import compare_accuracy
from longshort.evaluate.honesty import Comparison, place_sentence
from longshort.tasks.cell import cell_title
from longshort.tasks.classify.fitted import Encoded, Fitted
from longshort.tasks.classify.rivals import bag_of_words, majority, statistics
from longshort.tasks.classify.task import ClassifyTask, logits_of

Floats = NDArray[np.float64]
MODEL = "model"
TITLES = {
    "majority": "always the most frequent label",
    "bag_of_words": "logistic regression on words and pairs of words",
    "statistics": "logistic regression on simple statistics",
}


@dataclass(frozen=True)
class Scored:
    """Probabilities [n, K] of the model and its rivals on the test part."""

    examples: Examples
    truth: NDArray[np.int64]
    probabilities: dict[str, Floats]
    notes: dict[str, str]


def score(task: ClassifyTask) -> Scored:
    """The test part, seen for the first time."""
    test = task.fitted.encode(task.parts.test)
    p = probabilities_of(task, test)
    return score_on(task.parts.test, p, task.fitted, task.train, task.val, test)


def score_on(
    examples: Examples, model: Floats, fitted: Fitted, train: Encoded, val: Encoded, test: Encoded
) -> Scored:
    """The model's probabilities [n, K] for the examples beside those of rivals.

    Rivals are fitted to `train`, their settings chosen on `val`; `test` are the examples, encoded.
    """
    classes = len(fitted.labels)
    found = {MODEL: model, "majority": majority(train, len(examples), classes)}
    linear = "bag_of_words" if fitted.vocabulary is not None else "statistics"
    fit = bag_of_words if fitted.vocabulary is not None else statistics
    found[linear], note = fit(train, val, test, classes)
    return Scored(examples, test.targets.numpy(), found, {linear: note})


def probabilities_of(task: ClassifyTask, encoded: Encoded) -> Floats:
    """The model's, [n, K]."""
    logits = logits_of(task.network, encoded, task.config.train.device)
    probabilities: Floats = logits.double().softmax(1).numpy()
    return probabilities


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
    result = compare_accuracy(_right(scored, MODEL), _right(scored, rival))
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
        "verdict": _verdict(result, rival, model, entries[rival], config, len(scored.truth)),
    }


def _right(scored: Scored, name: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = scored.probabilities[name].argmax(1) == scored.truth
    return found


def _verdict(
    result: Comparison,
    rival: str,
    model: dict[str, Any],
    other: dict[str, float],
    config: ClassifyConfig,
    count: int,
) -> str:
    return place_sentence(
        cell_title(config.model),
        result,
        f"{model['accuracy']:.1%} right against {other['accuracy']:.1%} of {TITLES[rival]}",
        f"{count:,} test examples",
        f"difference {result.span('+.1%')}",
    )


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

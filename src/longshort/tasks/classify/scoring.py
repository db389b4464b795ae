"""Accuracy of a classification, and what `scores.json` says beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.data.labels import as_given
from longshort.metrics import classification as metrics
from longshort.metrics.significance import Comparison
from longshort.runs.task import MODEL, Scored, Scores
from longshort.tasks.classify.encoder import ClassifyEncoder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def targets_of(encoder: ClassifyEncoder, examples: Examples) -> Ints:
    """Numbers of the labels, [n]."""
    numbers = {label: i for i, label in enumerate(encoder.labels)}
    return np.array([numbers[label] for label in examples.labels or []], dtype=np.int64)


def scores(encoder: ClassifyEncoder, examples: Examples, probabilities: Floats) -> Scores:
    """Of probabilities [n, K]; for the paired test which samples are right."""
    truth = targets_of(encoder, examples)
    right = (probabilities.argmax(1) == truth).astype(np.float64)
    return Scores(dict(metrics.scores(truth, probabilities)), right)


def compare(scored: Scored[Examples, Floats], one: str, other: str) -> Comparison:
    """Difference of accuracy; the best baseline was lucky to be the best."""
    right = {name: each.per_sample > 0 for name, each in scored.scores.items()}
    competing = [right[name] for name, each in scored.baselines.items() if not each.is_variant]
    luck = metrics.luck_of_best(competing) if other == scored.best else 0.0
    return metrics.compare_accuracy(right[one], right[other], luck)


def confusion(encoder: ClassifyEncoder, scored: Scored[Examples, Floats]) -> Ints:
    """Counts [K, K]: rows are true labels, columns the model's."""
    truth = targets_of(encoder, scored.samples)
    return metrics.confusion(truth, scored.predictions[MODEL].argmax(1), len(encoder.labels))


def per_class(encoder: ClassifyEncoder, table: Ints) -> dict[str, dict[str, float]]:
    """Scores of each label."""
    each = metrics.per_class(table)
    return {
        label: {name: float(values[i]) for name, values in each.items()}
        for i, label in enumerate(encoder.labels)
    }


def is_anything_learned(scored: Scored[Examples, Floats], encoder: ClassifyEncoder) -> bool:
    """Whether the model or a baseline says more of the labels than how frequent they are."""
    truth, constant = targets_of(encoder, scored.samples), scored.predictions["majority"]
    return any(metrics.says_more(truth, p, constant) for p in scored.predictions.values())


def predictions(encoder: ClassifyEncoder, examples: Examples, p: Floats) -> pl.DataFrame:
    """One row per sample, in order: place, label, and the probability of every label."""
    labels = encoder.labels
    found = as_given([labels[i] for i in p.argmax(1)], encoder.label_kind)
    table: dict[str, Any] = {"place": examples.places, "label": found}
    return pl.DataFrame(table | {f"p_{label}": p[:, i] for i, label in enumerate(labels)})


def with_truth(encoder: ClassifyEncoder, examples: Examples, p: Floats) -> pl.DataFrame:
    """One row per labelled sample: where it stands, truth, prediction, probability, loss; hard
    ones first. Texts are shortened to 200 characters.
    """
    truth, labels = targets_of(encoder, examples), encoder.labels
    loss = -np.log(np.clip(p[np.arange(len(truth)), truth], 1e-12, None))
    order = np.argsort(-loss, kind="stable")
    table = {
        "place": [examples.places[i] for i in order],
        "label": [labels[truth[i]] for i in order],
        "predicted": [labels[int(p[i].argmax())] for i in order],
        "probability": [float(p[i].max()) for i in order],
        "loss": [float(loss[i]) for i in order],
    }
    if examples.is_text:
        table["text"] = [str(examples.items[i])[:200] for i in order]
    return pl.DataFrame(table)

"""Metrics of predicted labels and probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.significance import Comparison, Outcome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MIN_EXAMPLES = 20
_RESAMPLES = 400
_Z = 1.959964

BINS = 15
"""Number of bins of equal width for the calibration error."""


def confusion(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """Return the confusion matrix [K, K] of counts; true labels in rows, predicted in columns."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def per_class(table: Ints) -> dict[str, Floats]:
    """Return precision, recall and F1 [K] of each label from a confusion matrix; 0 if undefined."""
    hits = np.diag(table).astype(float)
    precision = share(hits, table.sum(0))
    recall = share(hits, table.sum(1))
    return {
        "precision": precision,
        "recall": recall,
        "f1": share(2 * precision * recall, precision + recall),
        "support": table.sum(1).astype(float),
    }


def share(part: Floats, whole: NDArray[Any]) -> Floats:
    """part / whole, 0 where the whole is."""
    found: Floats = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return found


def calibration(truth: Ints, probabilities: Floats) -> list[dict[str, float]]:
    """Compare confidence with accuracy in bins of the highest probability.

    truth: labels [n]; probabilities: [n, K]. Returns for each bin the number of examples, their
    mean confidence and their accuracy. Bins without examples are left out.
    """
    return binned_calibration(probabilities.max(1), probabilities.argmax(1) == truth)


def binned_calibration(confidence: Floats, right: Bools) -> list[dict[str, float]]:
    """The same of any probabilities [n], and of whether what they are of is true [n]."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for number in np.unique(bins):
        here = bins == number
        found.append(
            {
                "count": float(here.sum()),
                "confidence": float(confidence[here].mean()),
                "accuracy": float(right[here].mean()),
            }
        )
    return found


def calibration_error(truth: Ints, probabilities: Floats) -> float:
    """Expected calibration error: mean distance of confidence and accuracy (Guo et al., 2017)."""
    bins = calibration(truth, probabilities)
    distances = [each["count"] * abs(each["confidence"] - each["accuracy"]) for each in bins]
    return sum(distances) / len(truth)


def log_loss(truth: Ints, probabilities: Floats) -> float:
    """Mean negative log-probability of the true label, in nats; probabilities of at least 1e-12."""
    true = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(true, 1e-12, None)).mean())


def luck_of_best(right: Sequence[Bools]) -> float:
    """Return by how much the best of several accuracies is expected to be too high by chance.

    right: for each candidate, whether each example [n] is labelled correctly. The bootstrap
    estimate (Efron, 1979) of the optimism of choosing the best: the mean, over resamples of the
    examples, of the resample's best candidate's accuracy there less its accuracy on all examples.
    """
    table = np.stack(right).astype(float)
    draw, flattered = np.random.default_rng(0), 0.0
    for _ in range(_RESAMPLES):
        found = table[:, draw.integers(0, table.shape[1], table.shape[1])].mean(axis=1)
        best = int(found.argmax())
        flattered += float(found[best] - table[best].mean())
    return max(0.0, flattered / _RESAMPLES)


def compare_accuracy(model: Bools, baseline: Bools, luck: float = 0.0) -> Comparison:
    """Compare the accuracy of a model with that of a baseline on the same examples.

    model, baseline: whether each example [n] is labelled correctly. luck: by how much the
    baseline's accuracy may be too high because it was chosen as the best one on these examples;
    the interval's upper end is raised by it.

    The gain is the difference of the accuracies. Its 95 % interval is the adjusted Wald interval
    for paired proportions (Bonett & Price, 2012), which also holds for few examples and for
    baselines without an error.
    """
    count = len(model)
    gain = float(model.mean() - baseline.mean())
    if count < _MIN_EXAMPLES:
        return Comparison("too few", gain, None, None)
    gained = (int((model & ~baseline).sum()) + 1) / (count + 2)
    lost = (int((baseline & ~model).sum()) + 1) / (count + 2)
    middle = gained - lost
    reach = _Z * math.sqrt((gained + lost - middle**2) / (count + 2))
    low, high = max(-1.0, middle - reach), min(1.0, middle + reach + luck)
    outcome: Outcome = "better" if low > 0 else "worse" if high < 0 else "equal"
    return Comparison(outcome, gain, low, high)


def says_more(truth: Ints, probabilities: Floats, constant: Floats) -> bool:
    """Return whether probabilities [n, K] are significantly better than constant ones [n, K].

    Either the accuracy or the mean log loss has to be better; the latter by two standard errors
    (one-sided error 1 in 40).
    """
    if len(truth) < _MIN_EXAMPLES:
        return True
    right, other = (p.argmax(1) == truth for p in (probabilities, constant))
    if compare_accuracy(right, other).outcome == "better":
        return True
    rows = np.arange(len(truth))
    gains = np.diff(np.log(np.clip([constant, probabilities], 1e-12, None))[:, rows, truth], axis=0)
    error = float(gains.std(ddof=1)) / math.sqrt(len(truth))
    return float(gains.mean()) > _Z * error


def scores(truth: Ints, probabilities: Floats) -> dict[str, float]:
    """Return accuracy, macro_f1, log_loss and calibration_error.

    Macro F1 is the mean over labels that occur in truth or prediction, as in scikit-learn.
    """
    table = confusion(truth, probabilities.argmax(1), probabilities.shape[1])
    each = per_class(table)
    return {
        "accuracy": float(np.diag(table).sum() / len(truth)),
        "macro_f1": float(each["f1"][table.sum(0) + table.sum(1) > 0].mean()),
        "log_loss": log_loss(truth, probabilities),
        "calibration_error": calibration_error(truth, probabilities),
    }

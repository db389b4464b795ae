"""Scores of examples that have several of K labels, or none.

truth, said [n, K]: whether an example has a label, and whether it is predicted; p [n, K]: the
labels' probabilities, each of its own.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.classification import binned_calibration, share
from longshort.metrics.f1 import f1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MIN_EXAMPLES = 20
_Z = 1.959964


def counts(truth: Bools, said: Bools) -> Ints:
    """How many labels of each example are right, predicted and true, [n, 3]."""
    found: Ints = np.stack([(truth & said).sum(1), said.sum(1), truth.sum(1)], 1)
    return found


def per_label(truth: Bools, said: Bools) -> dict[str, Floats]:
    """Precision, recall and F1 of each label, 0 where undefined, and how many examples have it."""
    hits = (truth & said).sum(0).astype(float)
    precision, recall = share(hits, said.sum(0)), share(hits, truth.sum(0))
    return {
        "precision": precision,
        "recall": recall,
        "f1": share(2 * precision * recall, precision + recall),
        "support": truth.sum(0).astype(float),
    }


def cross_entropy(truth: Bools, p: Floats) -> Floats:
    """Negative logarithm of the probability of having the label or not, [n, K], in nats."""
    found: Floats = -np.log(np.clip(np.where(truth, p, 1 - p), 1e-12, None))
    return found


def scores(truth: Bools, p: Floats, said: Bools) -> dict[str, float]:
    """micro_f1, macro_f1, subset_accuracy, hamming_loss, log_loss, calibration_error.

    Micro F1 counts all labels of all examples together; macro F1 is the mean over the labels that
    occur in truth or prediction. Subset accuracy is the share of examples all of whose labels are
    right, Hamming loss the share of wrong decisions. Log loss and calibration error are means over
    examples and labels.
    """
    occurs = (truth | said).any(0)
    bins = binned_calibration(p.ravel(), truth.ravel())
    distances = [each["count"] * abs(each["confidence"] - each["accuracy"]) for each in bins]
    return {
        "micro_f1": float(f1(counts(truth, said).sum(0))),
        "macro_f1": float(per_label(truth, said)["f1"][occurs].mean()) if occurs.any() else 0.0,
        "subset_accuracy": float((truth == said).all(1).mean()),
        "hamming_loss": float((truth != said).mean()),
        "log_loss": float(cross_entropy(truth, p).mean()),
        "calibration_error": sum(distances) / truth.size,
    }


def best_threshold(truth: Bools, p: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """The probability above which a label is predicted, for the highest micro F1, and that F1.

    One for all labels: where probabilities are right the best one of micro F1 is the same for each
    (Lipton, Elkan & Naryanaswamy, 2014), and one is surer to be found in few examples than K.
    weights [K]: what a true label counts for. 0.5 where no example has a label.
    """
    order = np.argsort(-p.ravel(), kind="stable")
    values = p.ravel()[order]
    true = truth * (np.ones(truth.shape[1]) if weights is None else weights)
    whole = float(true.sum())
    if not whole:
        return 0.5, 0.0
    right = np.cumsum(true.ravel()[order])
    wrong = np.cumsum(~truth.ravel()[order])
    ends = np.append(values[1:] < values[:-1], True)
    found = np.where(ends, 2 * right / (right + wrong + whole), -1.0)
    best = int(found.argmax())
    below = values[best + 1] if best + 1 < len(values) else 0.0
    return float((values[best] + below) / 2), float(found[best])


def says_more(truth: Bools, p: Floats, constant: Floats) -> bool:
    """Whether p is surely better than a constant's probabilities, by log loss.

    Two standard errors of the mean difference over examples, one in forty by chance.
    """
    if len(truth) < _MIN_EXAMPLES:
        return True
    gains = (cross_entropy(truth, constant) - cross_entropy(truth, p)).mean(1)
    return float(gains.mean()) > _Z * float(gains.std(ddof=1)) / math.sqrt(len(truth))

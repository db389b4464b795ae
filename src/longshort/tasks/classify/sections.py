"""Sections of a classifier's report: labels, calibration, and the worst samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.lazy import polars as pl
from longshort.metrics.classification import BINS
from longshort.report import plots
from longshort.report.sections import Block, Note, Picture, Section, Table
from longshort.report.table import shown
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.targets import Prediction

ClassifyResult = Result[ClassifyConfig, Examples, ClassifyEncoder, Prediction]

_ERRORS, _LABELS = 12, 30


def confused(result: ClassifyResult) -> Section:
    """Return the section on confused labels, where each sample has one."""
    table = np.array(result.scores["confusion"])
    chosen, names = _shown_labels(result)
    picture = plots.confusion(table[np.ix_(chosen, chosen)], names, table.sum(1)[chosen])
    blocks: list[Block] = [
        Picture("confusion", picture, 300 + 34 * len(names)),
        *_classes(result, names),
    ]
    return Section("Which labels are taken for which", blocks)


def by_label(result: ClassifyResult) -> Section:
    """Return the section on the scores of each label, where a sample may have several."""
    threshold = result.scored.predictions[MODEL].threshold
    note = Note(
        f"A label is predicted where its probability is above {threshold:.3g}. Subset accuracy "
        "counts examples all of whose labels are right."
    )
    return Section(
        "Which labels are recognised", [*_classes(result, _shown_labels(result)[1]), note]
    )


def trusted(bins: Sequence[dict[str, float]], p: NDArray[np.float64]) -> Section:
    """Return the section on the calibration, `bins`, of probabilities p [n]."""
    return Section(
        "Can its probabilities be trusted?",
        [
            Picture("calibration", plots.reliability(bins, p)),
            Note(
                "On the diagonal, of all predictions made with 80 % probability, 80 % are "
                f"right. Below it the model is too sure of itself. In {BINS} bins."
            ),
        ],
    )


def worst(result: ClassifyResult) -> Section:
    """Return the section of wrongly labelled test samples, those with the highest loss first."""
    return Section(
        "Where it errs most",
        [
            Table(_errors(result.table), is_text=True),
            Note("The test examples with the highest loss, in order."),
        ],
    )


def split_rows(result: ClassifyResult) -> list[list[str]]:
    """Return the number of examples and the share of every label in each split, header first."""
    _, names = _shown_labels(result)
    rows = [["split", "examples", *names]]
    for name, examples in result.splits.by_name().items():
        seen = Counter(label for each in examples.label_sets for label in each)
        shares = [f"{seen[label] / len(examples):.1%}" for label in names]
        rows.append([name, f"{len(examples):,}", *shares])
    return rows


def _shown_labels(result: ClassifyResult) -> tuple[list[int], list[str]]:
    """Return numbers and names of the labels that fit into the report."""
    labels, scores = result.model.encoder.labels, result.scores["test"][MODEL]["per_class"]
    chosen = _most_frequent(np.array([scores[label]["support"] for label in labels]))
    return chosen, [labels[i] for i in chosen]


def _most_frequent(counts: NDArray[Any]) -> list[int]:
    """Return the numbers of the most frequent labels, as many as fit, in order."""
    return sorted(np.argsort(-counts, kind="stable")[:_LABELS].tolist())


def _classes(result: ClassifyResult, names: list[str]) -> list[Block]:
    """Return the scores of these labels, and a note if they are not all."""
    rows = [["label", "precision", "recall", "F1", "test examples"]]
    for label in names:
        each = result.scores["test"][MODEL]["per_class"][label]
        numbers = [shown(each[name]) for name in ("precision", "recall", "f1")]
        rows.append([label, *numbers, f"{each['support']:,.0f}"])
    every = len(result.model.encoder.labels)
    if len(names) == every:
        return [Table(rows)]
    text = f"The {len(names)} most frequent of {every:,} labels in the test split; scores.json has"
    return [Table(rows), Note(f"{text} them all.")]


def _errors(predictions: pl.DataFrame) -> list[list[str]]:
    wrong = predictions.filter(pl.col("label") != pl.col("predicted")).head(_ERRORS)
    wanted = ("place", "label", "predicted", "probability", "text")
    columns = [name for name in wanted if name in wrong.columns]
    rows = [columns]
    for row in wrong.select(columns).iter_rows():
        rows.append([shown(cell) if isinstance(cell, float) else str(cell) for cell in row])
    return rows

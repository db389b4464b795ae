"""The report of a classification: confusions, calibration, and the worst samples."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.metrics.classification import BINS, calibration
from longshort.report import plots
from longshort.report.sections import Block, Note, Picture, Section, Table
from longshort.report.table import shown
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.scoring import targets_of

ClassifyResult = Result[ClassifyConfig, Examples, ClassifyEncoder, NDArray[np.float64]]

_ERRORS, _LABELS = 12, 30


def sections(result: ClassifyResult) -> list[Section]:
    """Which labels are taken for which, whether probabilities can be trusted, the worst samples."""
    encoder, p = result.model.encoder, result.scored.predictions[MODEL]
    table = np.array(result.scores["confusion"])
    chosen = _most_frequent(table.sum(1))
    names = [encoder.labels[i] for i in chosen]
    picture = plots.confusion(table[np.ix_(chosen, chosen)], names, table.sum(1)[chosen])
    blocks: list[Block] = [Picture(picture, 300 + 34 * len(names)), Table(_classes(result, names))]
    if len(names) < len(encoder.labels):
        blocks.append(
            Note(
                f"The {len(names)} most frequent of {len(encoder.labels):,} labels in the test "
                "split; scores.json has them all."
            )
        )
    bins = calibration(targets_of(encoder, result.scored.samples), p)
    return [
        Section("Which labels are taken for which", blocks),
        Section(
            "Can its probabilities be trusted?",
            [
                Picture(plots.reliability(bins, p.max(1))),
                Note(
                    "On the diagonal, of all predictions made with 80 % probability, 80 % are "
                    f"right. Below it the model is too sure of itself. In {BINS} bins."
                ),
            ],
        ),
        Section(
            "Where it errs most",
            [
                Table(_errors(result.table), is_text=True),
                Note("The test examples with the highest loss, in order."),
            ],
        ),
    ]


def split_rows(result: ClassifyResult) -> list[list[str]]:
    """Examples, and the share of every label in each split, the header first."""
    counts = np.array(result.scores["confusion"]).sum(1)
    names = [result.model.encoder.labels[i] for i in _most_frequent(counts)]
    rows = [["split", "examples", *names]]
    for name, examples in result.splits.by_name().items():
        seen = Counter(examples.labels)
        shares = [f"{seen[label] / len(examples):.1%}" for label in names]
        rows.append([name, f"{len(examples):,}", *shares])
    return rows


def _most_frequent(counts: NDArray[np.int64]) -> list[int]:
    """The labels that there is room for, in their own order."""
    return sorted(np.argsort(-counts, kind="stable")[:_LABELS].tolist())


def _classes(result: ClassifyResult, names: list[str]) -> list[list[str]]:
    rows = [["label", "precision", "recall", "F1", "test examples"]]
    for label in names:
        each = result.scores["test"][MODEL]["per_class"][label]
        numbers = [shown(each[name]) for name in ("precision", "recall", "f1")]
        rows.append([label, *numbers, f"{each['support']:,.0f}"])
    return rows


def _errors(predictions: pl.DataFrame) -> list[list[str]]:
    wrong = predictions.filter(pl.col("label") != pl.col("predicted")).head(_ERRORS)
    wanted = ("place", "label", "predicted", "probability", "text")
    columns = [name for name in wanted if name in wrong.columns]
    rows = [columns]
    for row in wrong.select(columns).iter_rows():
        rows.append([shown(cell) if isinstance(cell, float) else str(cell) for cell in row])
    return rows

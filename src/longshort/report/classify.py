"""The report of a classification."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.config import to_toml
from longshort.config.classify import ClassifyConfig
from longshort.data.labelled import Examples
from longshort.data.splits import Splits
from longshort.metrics.classification import BINS, calibration
from longshort.report import plots
from longshort.report.content import markdown, score_rows, shown
from longshort.report.render import render
from longshort.tasks.cell import cell_title
from longshort.tasks.classify.fitted import Fitted
from longshort.tasks.classify.scoring import MODEL, Scored
from longshort.train import TrainResult

_ERRORS = 12
_LABELS = 30


@dataclass(frozen=True)
class ClassifyReport:
    """Everything that is known at the end of a run."""

    config: ClassifyConfig
    parts: Splits[Examples]
    fitted: Fitted
    scored: Scored
    scores: dict[str, Any]
    predictions: pl.DataFrame
    result: TrainResult
    environment: dict[str, Any]


def build_page(report: ClassifyReport, folder: Path) -> str:
    """Render the page."""
    config, scores, fitted = report.config, report.scores, report.fitted
    truth, p = report.scored.truth, report.scored.probabilities[MODEL]
    table = np.array(scores["confusion"])
    chosen = _most_frequent(table.sum(1))
    names = [fitted.labels[i] for i in chosen]
    source = report.parts.train
    return render(
        "classify.html.j2",
        {
            "title": f"Classification of {source.name}",
            "data": _description(report),
            "verdict": scores["verdict"],
            "outcome": scores["outcome"],
            "rows": score_rows(scores),
            "notes": scores["notes"],
            "examples": scores["examples"],
            "bins": BINS,
            "confusion_svg": plots.confusion(
                table[np.ix_(chosen, chosen)], names, table.sum(1)[chosen]
            ),
            "confusion_width": 300 + 34 * len(names),
            "classes": _classes(scores, names),
            "labels": len(fitted.labels),
            "calibration_svg": plots.reliability(calibration(truth, p), p.max(1)),
            "errors": _errors(report.predictions),
            "training_svg": plots.training_curves(
                report.result.history,
                report.result.best_epoch,
                scores["training"]["measure"],
                apart=True,
            ),
            "training": scores["training"],
            "findings": report.parts.findings,
            "parts": _parts(report, names),
            "shown_labels": names,
            "split": report.parts.how,
            "settings": to_toml(config),
            "environment": report.environment,
            "reproduce": f"longshort run {source.path or 'DATA'} --config {folder / 'config.toml'} "
            "--out NEW_FOLDER",
            "config": config,
        },
    )


def model_card(report: ClassifyReport) -> str:
    """Markdown: what was trained on what, how good it is beside its baselines, how to use it."""
    scores, source = report.scores, report.parts.train
    notes = "".join(f"- Note: {name} {note}\n" for name, note in scores["notes"].items())
    return f"""# {cell_title(report.config.model)} classifier of {source.name}

{scores["verdict"]}

{markdown(score_rows(scores))}

- Data: {source.path or source.name}, sha256 {source.sha256 or "of data in memory"}; parts: \
{report.parts.how}
- Labels: {", ".join(report.fitted.labels[:20])}
- {scores["training"]["parameters"]:,} parameters; weights of epoch \
{scores["training"]["best_epoch"]}
{notes}- Written by longshort {report.environment["packages"]["longshort"]}, \
torch {report.environment["packages"]["torch"]}

Use it with `longshort predict RUN --data FILE` or `longshort.load("RUN").predict([...])`. Meant \
for inputs like those it was trained on; the report shows where it errs.
"""


def _description(report: ClassifyReport) -> list[str]:
    fitted, source = report.fitted, report.parts.train
    total = sum(len(part) for part in report.parts.by_name().values())
    lines = [f"{source.name}: {total:,} examples, {len(fitted.labels)} labels"]
    if fitted.vocabulary is not None:
        lines.append(f"{fitted.tokens}, {len(fitted.vocabulary):,} known tokens")
    else:
        lines.append(f"{len(fitted.mean)} values a step")
    return lines


def _most_frequent(counts: NDArray[np.int64]) -> list[int]:
    """The labels that there is room for, in their own order."""
    return sorted(np.argsort(-counts, kind="stable")[:_LABELS].tolist())


def _classes(scores: dict[str, Any], names: list[str]) -> list[list[str]]:
    rows = [["label", "precision", "recall", "F1", "test examples"]]
    for label in names:
        each = scores["test"]["model"]["per_class"][label]
        numbers = [shown(each[name]) for name in ("precision", "recall", "f1")]
        rows.append([label, *numbers, f"{each['support']:,.0f}"])
    return rows


def _errors(predictions: pl.DataFrame) -> list[list[str]]:
    wrong = predictions.filter(pl.col("label") != pl.col("predicted")).head(_ERRORS)
    wanted: tuple[str, ...] = ("place", "label", "predicted", "probability", "text")
    columns = [name for name in wanted if name in wrong.columns]
    rows = [columns]
    for row in wrong.select(columns).iter_rows():
        rows.append([shown(cell) if isinstance(cell, float) else str(cell) for cell in row])
    return rows


def _parts(report: ClassifyReport, names: list[str]) -> list[tuple[str, int, list[str]]]:
    found = []
    for name, examples in report.parts.by_name().items():
        counts = Counter(examples.labels)
        shares = [f"{counts[label] / len(examples):.1%}" for label in names]
        found.append((name, len(examples), shares))
    return found

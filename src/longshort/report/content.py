"""What a report is made of, and the score table that page, card and terminal share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshort.config import RunConfig
from longshort.data.dataset import Dataset
from longshort.data.split import Split
from longshort.tasks.forecast.predict import Prediction
from longshort.tasks.forecast.scoring import Scored, Verdict
from longshort.train import TrainResult

FORECAST_COLUMNS = (
    ("MAE", "mae"),
    ("RMSE", "rmse"),
    ("R²", "r2"),
    ("sMAPE", "smape"),
    ("MASE", "mase"),
    ("scaled MSE", "scaled_mse"),
    ("scaled MAE", "scaled_mae"),
)

CLASSIFY_COLUMNS = (
    ("accuracy", "accuracy"),
    ("macro F1", "macro_f1"),
    ("log loss", "log_loss"),
    ("calibration error", "calibration_error"),
)

TAG_COLUMNS = (
    ("entity F1", "f1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("token accuracy", "token_accuracy"),
)

LANGUAGE_COLUMNS = (
    ("perplexity", "perplexity"),
    ("nats per token", "nats_per_token"),
    ("bits per character", "bits_per_character"),
    ("bits per byte", "bits_per_byte"),
)


@dataclass(frozen=True)
class ReportInput:
    """Everything that is known at the end of a run."""

    config: RunConfig
    dataset: Dataset
    split: Split
    scored: Scored
    scores: dict[str, Any]
    verdict: Verdict
    result: TrainResult
    ahead: Prediction
    """Past the end of the data."""
    environment: dict[str, Any]


def score_rows(scores: dict[str, Any]) -> list[list[str]]:
    """The table of the model and its baselines as text, the best first below the header."""
    test = scores["test"]
    entries = {"model": test["model"], **test.get("variants", {}), **test["baselines"]}
    columns, key, sign = _table_of(scores)
    order = sorted(entries, key=lambda name: _rank(entries[name][key], sign))
    rows = [["", *(title for title, _ in columns)]]
    for name in order:
        rows.append([name, *(shown(entries[name].get(column)) for _, column in columns)])
    return rows


def markdown(rows: list[list[str]]) -> str:
    """A table, its header first."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _table_of(scores: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], str, int]:
    """Columns, the one that orders the rows, and whether little (1) or much (-1) of it is good."""
    if scores["task"] == "classify":
        return CLASSIFY_COLUMNS, "accuracy", -1
    if scores["task"] == "tag":
        return TAG_COLUMNS, "f1", -1
    if scores["task"] == "lm":
        return LANGUAGE_COLUMNS, "perplexity", 1
    key = "scaled_mse" if scores.get("metric") == "MSE" else "scaled_mae"
    return FORECAST_COLUMNS, key, 1


def _rank(value: float | None, sign: int) -> float:
    return float("inf") if value is None else sign * value


def shown(value: float | None) -> str:
    """A number with four significant digits; a dash for none."""
    if value is None:
        return "-"
    if value and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"

"""What a report is made of, and the score table that page, card and terminal share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshort.config import RunConfig
from longshort.data.dataset import Dataset
from longshort.data.split import Split
from longshort.tasks.forecast.scoring import Scored, Verdict
from longshort.train import TrainResult

COLUMNS = (
    ("MAE", "mae"),
    ("RMSE", "rmse"),
    ("R²", "r2"),
    ("sMAPE", "smape"),
    ("MASE", "mase"),
    ("scaled MSE", "scaled_mse"),
    ("scaled MAE", "scaled_mae"),
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
    environment: dict[str, Any]


def score_rows(scores: dict[str, Any]) -> list[list[str]]:
    """The table of the model and its rivals as text, best scaled error first below the header."""
    entries = {"model": scores["test"]["model"], **scores["test"]["baselines"]}
    key = "scaled_mse" if scores.get("metric") == "MSE" else "scaled_mae"
    order = sorted(entries, key=lambda name: _rank(entries[name][key]))
    rows = [["", *(title for title, _ in COLUMNS)]]
    for name in order:
        rows.append([name, *(shown(entries[name].get(column)) for _, column in COLUMNS)])
    return rows


def _rank(value: float | None) -> float:
    return float("inf") if value is None else value


def shown(value: float | None) -> str:
    """A number with four significant digits; a dash for none."""
    if value is None:
        return "-"
    if value and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"

"""The answer of a study as lines for a terminal, and as rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SHOWN = 10
"""Most candidates in the table on a terminal."""


def answer_lines(folder: Path, found: dict[str, Any]) -> list[str]:
    """Return table, answer, warnings and places."""
    rows = table_rows(found)
    hidden = len(rows) - 1 - _SHOWN
    shown = _aligned(rows[: _SHOWN + 1])
    more = [f"… and {hidden} more in {folder / 'answer.json'}"] if hidden > 0 else []
    warnings = [f"warning: {each}" for each in found["warnings"]]
    cost = found["cost"]
    price = (
        f"It took {cost['full_runs']:.1f} full runs; everything in full would be "
        f"{cost['everything_in_full']}."
    )
    ends = [found["choice"], found["verdict"], f"Run: {found['run']}"]
    return ["", *shown, *more, "", found["answer"], *warnings, price, *ends]


def table_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return a row for each candidate, the header first; those that came furthest come first."""
    keys = list(dict.fromkeys(key for row in found["rows"] for key in row["settings"]))
    head = [*(keys or ["settings"]), "epochs", "validation", "parameters", "ms/step"]
    return [head, *(_row(row, keys) for row in found["rows"])]


def _row(row: dict[str, Any], keys: list[str]) -> list[str]:
    score = "" if row["validation"] is None else f"{row['validation']:.5g}"
    step = "" if row["step_ms"] is None else f"{row['step_ms']:.3g}"
    settings = [str(row["settings"].get(key, "")) for key in keys] or ["as given"]
    return [
        *settings,
        str(row["epochs"]),
        row["failed"] or score,
        f"{row['parameters']:,}" if row["parameters"] else "",
        step,
    ]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]

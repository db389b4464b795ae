"""The answer of a study as lines for a terminal, and as rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longshort.tuning.plan import written

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
    ends = [
        found["choice"],
        found["verdict"],
        f"Run: {found['run']}",
        f"Page: {folder / 'study.html'}",
    ]
    return ["", *shown, *more, "", found["answer"], *warnings, price, *ends]


def table_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return a row for each candidate, the header first; those that came furthest come first.

    Settings that are the same for all are left out.
    """
    rows = [named_settings(row) for row in found["rows"]]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    varied = [key for key in keys if len({str(row.get(key)) for row in rows}) > 1] or keys
    head = [*varied, "epochs", "validation", "parameters", "ms/step"]
    named = zip(found["rows"], rows, strict=True)
    return [
        head,
        *([*(written(each.get(k, "")) for k in varied), *_row(row)] for row, each in named),
    ]


def named_settings(row: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a candidate, its share of the training data among them."""
    return {"training data": f"{row['share']:.3g}", **row["settings"]}


def _row(row: dict[str, Any]) -> list[str]:
    score = "" if row["validation"] is None else f"{row['validation']:.5g}"
    step = "" if row["step_ms"] is None else f"{row['step_ms']:.3g}"
    return [
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

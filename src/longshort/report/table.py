"""The score table of page, model card and terminal, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Column(Protocol):
    """A metric of the table: a `Metric` of the task."""

    @property
    def key(self) -> str:
        """Key in `scores.json`."""

    @property
    def heading(self) -> str:
        """Heading of the column."""

    def in_table(self, value: float | None) -> float | None:
        """Return a value as the column has it."""

    def rank(self, value: float | None) -> float:
        """Return a sort key: the best value comes first."""


def score_rows(scores: dict[str, Any], columns: Sequence[Column]) -> list[list[str]]:
    """Return the rows of the score table, the header first.

    The model and its baselines are sorted by the deciding metric, the best first. A column without
    values is left out.
    """
    test = scores["test"]
    entries = {"model": test["model"], **test["variants"], **test["baselines"]}
    chosen = [each for each in columns if any(each.key in entry for entry in entries.values())]
    deciding = next(each for each in chosen if each.key == scores["metric"])
    order = sorted(entries, key=lambda name: deciding.rank(entries[name][deciding.key]))
    rows = [["", *(column.heading for column in chosen)]]
    for name in order:
        rows.append(
            [name, *(shown(column.in_table(entries[name].get(column.key))) for column in chosen)]
        )
    return rows


def markdown(rows: list[list[str]]) -> str:
    """Return a table in Markdown; the first row is the header."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def shown(value: float | None) -> str:
    """Return a number with four significant digits; a dash for None."""
    if value is None:
        return "-"
    if value and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"

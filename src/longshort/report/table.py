"""The score table that page, model card and terminal share, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Column(Protocol):
    """A metric of the table."""

    @property
    def key(self) -> str:
        """In the scores."""

    @property
    def title(self) -> str:
        """Of the column."""

    def rank(self, value: float | None) -> float:
        """Sorts the best value first."""


def score_rows(scores: dict[str, Any], columns: Sequence[Column]) -> list[list[str]]:
    """The model and its baselines, the best by the deciding metric first, below the header.

    A column of which nobody has a value is left out.
    """
    test = scores["test"]
    entries = {"model": test["model"], **test["variants"], **test["baselines"]}
    chosen = [each for each in columns if any(each.key in entry for entry in entries.values())]
    deciding = next(each for each in chosen if each.key == scores["metric"])
    order = sorted(entries, key=lambda name: deciding.rank(entries[name][deciding.key]))
    rows = [["", *(column.title for column in chosen)]]
    for name in order:
        rows.append([name, *(shown(entries[name].get(column.key)) for column in chosen)])
    return rows


def markdown(rows: list[list[str]]) -> str:
    """A table, its header first."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def shown(value: float | None) -> str:
    """A number with four significant digits; a dash for none."""
    if value is None:
        return "-"
    if value and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.3e}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"

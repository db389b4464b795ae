"""How far what a server is asked lies from what its model was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Drift:
    """Sums, by column, of how far values lie from the middle of their usual range.

    A distance is counted in half widths of the range in which most values of the training part lie,
    so that values as in training have a mean near 0, and beyond 1 or -1 they are unusual as a
    whole. schema: of a session's samples; columns without a usual range are left out.
    """

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        columns = [] if schema is None else schema["columns"]
        self._usual = {each["name"]: each["usual"] for each in columns if each.get("usual")}
        self._sums = dict.fromkeys(self._usual, 0.0)
        self._counts = dict.fromkeys(self._usual, 0)

    def add(self, xs: Sequence[Any]) -> None:
        """Count samples; what is no number, such as a missing value, is left out."""
        for name, (low, high) in self._usual.items():
            for x in xs:
                value = x.get(name) if isinstance(x, dict) else None
                if isinstance(value, (int, float)) and high > low:
                    self._sums[name] += (2.0 * value - low - high) / (high - low)
                    self._counts[name] += 1

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text format of Prometheus."""
        if not self._usual:
            return
        name = "longshort_input_drift"
        yield f"# HELP {name} Distance from values of training, in half widths of their range."
        yield f"# TYPE {name} summary"
        for column, total in self._sums.items():
            label = column.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
            yield f'{name}_sum{{column="{label}"}} {total:.9g}'
            yield f'{name}_count{{column="{label}"}} {self._counts[column]}'

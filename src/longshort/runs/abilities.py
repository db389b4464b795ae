"""What some tasks can do beyond the contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class ReadsLines(Protocol):
    """Samples from lines of text, as they come from a terminal or a pipe."""

    def read_lines(self, lines: Sequence[str], first: int, model: Any) -> Any:
        """A sample of every line; the first line has this number."""

    def line(self, samples: Any, prediction: Any, model: Any) -> str:
        """The prediction of a single sample, for a terminal."""

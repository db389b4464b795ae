"""What the data's reading brought to light: a code, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from longshort.errors import DataError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One finding of the data doctor.

    An "error" stops a run, a "warning" is worth a look, a "note" only says what was done.
    """

    code: str
    severity: Severity
    message: str
    where: tuple[str, ...] = ()
    fix: str = ""

    def sentence(self) -> str:
        """The finding in one line: what, where, and the fix."""
        where = f" ({'; '.join(self.where)})" if self.where else ""
        return f"{self.message}{where}" + (f"; {self.fix}" if self.fix else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"where": list(self.where)}


def refuse_errors(findings: Sequence[Finding], name: str) -> None:
    """Raise `DataError` with every finding that forbids training or predicting."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise DataError("\n".join(f"{name}: {finding.sentence()}" for finding in errors))

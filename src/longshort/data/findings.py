"""Findings about data: a code, a message, places, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from longshort.errors import DataError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """A finding of the data check.

    severity: an "error" stops a run, a "warning" should be looked at, a "note" is information.
    """

    code: str
    severity: Severity
    message: str
    where: tuple[str, ...] = ()
    fix: str = ""

    def sentence(self) -> str:
        """Return the finding in one line: message, places and fix."""
        where = f" ({'; '.join(self.where)})" if self.where else ""
        return f"{self.message}{where}" + (f"; {self.fix}" if self.fix else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"where": list(self.where)}


def capped(findings: Sequence[Finding], most: int = 10) -> list[Finding]:
    """Keep at most `most` findings of a kind, and say how many more there are."""
    counts = Counter(finding.code for finding in findings)
    shown: Counter[str] = Counter()
    kept = []
    for finding in findings:
        shown[finding.code] += 1
        if shown[finding.code] <= most:
            kept.append(finding)
        elif shown[finding.code] == counts[finding.code]:
            more = counts[finding.code] - most
            kept.append(Finding(finding.code, finding.severity, f"and {more:,} more of this kind"))
    return kept


def refuse_errors(findings: Sequence[Finding], name: str) -> None:
    """Raise `DataError` with all findings of severity "error", if there are any."""
    errors = capped([finding for finding in findings if finding.severity == "error"])
    if errors:
        raise DataError("\n".join(f"{name}: {finding.sentence()}" for finding in errors))

"""The rules: a number of an experiment beyond its threshold suggests a cause, and a remedy.

Thresholds are of our own, set on the half of `benchmarks/faults.py` that is not reported, unless a
source is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

All = Mapping[str, Measured]
Wanted = Callable[[Subject, All], Mapping[str, Any] | None]

REGAINED = 0.2
"""Share of what could be learned that a remedy must win back for its cause to be a finding."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    experiment, number, limit: a number above the limit (below it for `below`) raises the suspicion.
    wanted: the values of `Subject.settings` that the remedy sets; None from it: does not apply, and
    the suspicion is dropped. advice: the remedy in words, where no setting makes it. unless: id of
    a fault that explains the number, so that this rule is silent beside it.
    """

    id: str
    experiment: str
    number: str
    limit: float
    place: str
    cause: str
    advice: str = ""
    below: bool = False
    wanted: Wanted | None = None
    unless: str = ""

    def holds(self, value: float) -> bool:
        """Whether the number is beyond the limit."""
        return value < self.limit if self.below else value > self.limit

"""The result of an examination: faults with evidence and remedy, and what was ruled out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Changes

MOST = 3
"""Largest number of findings that a diagnosis shows."""


@dataclass(frozen=True)
class Retest:
    """The same training with and without the remedy, from paired seeds.

    pairs: best score without and with it, for each seed.
    """

    pairs: Sequence[tuple[float, float]]

    def sentence(self) -> str:
        """Return the mean scores and how many seeds agree."""
        before, after = (sum(each) / len(self.pairs) for each in zip(*self.pairs, strict=True))
        better = sum(two < one for one, two in self.pairs)
        return (
            f"best score at equal steps from {before:.4g} to {after:.4g} "
            f"({better} of {len(self.pairs)} seeds)"
        )


@dataclass(frozen=True)
class Fault:
    """One finding.

    id: of its rule. number, threshold: evidence as a value and its limit. regained: share of what
    could be learned that the remedy wins back, None where it was not tried. confidence: 0 to 1.
    """

    id: str
    verdict: str
    place: str
    evidence: str
    number: float
    threshold: float
    cause: str
    confidence: float
    remedy: str
    experiment: str
    changes: Changes = field(default_factory=dict)
    regained: float | None = None
    retest: Retest | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.id,
            "verdict": self.verdict,
            "place": self.place,
            "evidence": self.evidence,
            "experiment": self.experiment,
            "number": _finite(self.number),
            "threshold": self.threshold,
            "cause": self.cause,
            "confidence": self.confidence,
            "remedy": self.remedy,
            "changes": dict(self.changes),
            "regained": self.regained,
            "retest": None if self.retest is None else self.retest.sentence(),
        }


@dataclass(frozen=True)
class RuledOut:
    """A cause that an experiment spoke against."""

    id: str
    experiment: str
    why: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything that an examination found; faults by regained loss, the largest first.

    steps: of one training in the experiments. notes: findings about the data that are no faults of
    training. skipped: experiments that did not fit into the budget.
    """

    name: str
    faults: Sequence[Fault]
    ruled_out: Sequence[RuledOut]
    measured: Mapping[str, Measured]
    seed: int
    steps: int
    seconds: float
    notes: Sequence[str] = ()
    skipped: Sequence[str] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        if self.faults:
            return " ".join(fault.verdict for fault in self.faults)
        return (
            f"Nothing found: {len(self.measured)} experiments spoke against "
            f"{len({each.id for each in self.ruled_out})} causes."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "subject": self.name,
            "healthy": self.is_healthy,
            "verdict": self.verdict,
            "findings": [fault.to_dict() for fault in self.faults],
            "ruled_out": [vars(each) for each in self.ruled_out],
            "measured": {
                name: {"said": each.said, **{k: _finite(v) for k, v in each.numbers.items()}}
                for name, each in self.measured.items()
            },
            "skipped": list(self.skipped),
            "notes": list(self.notes),
            "seed": self.seed,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
        }

    def lines(self) -> list[str]:
        """Return the result in lines for people."""
        found = [self.verdict]
        for fault in self.faults:
            found += [
                "",
                f"[{fault.id}] {fault.cause} (confidence {fault.confidence:.0%})",
                f"    where: {fault.place}",
                f"    evidence: {fault.evidence}",
                f"    remedy: {fault.remedy}",
            ]
            if fault.regained is not None:
                found.append(f"    the remedy wins back {fault.regained:.0%} of what was missed")
            if fault.retest is not None:
                found.append(f"    retest: {fault.retest.sentence()}")
        found += ["", "checked:"]
        found += [f"    {name}: {each.said}" for name, each in self.measured.items()]
        if self.ruled_out:
            found.append("ruled out:")
            found += [f"    {each.id}: {each.why}" for each in self.ruled_out]
        if self.skipped:
            found.append(f"not done within the budget: {', '.join(self.skipped)}")
        return [*found, *(f"note: {note}" for note in self.notes)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Answers of ladders: the smallest level within one standard error of the best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longshort.tuning.halving import Placed, by_group, noise, smallest_within_noise
from longshort.tuning.plan import RATE, Candidate


@dataclass(frozen=True)
class Chosen:
    """The level that is enough, and the best one, at the last rung; error: their standard error."""

    enough: Placed
    best: Placed
    error: float

    def sentence(self) -> str:
        """Return the answer."""
        level, best = (round(each.candidate.level or 0) for each in (self.enough, self.best))
        said = f"validation {self.enough.mean:.5g} ± {self.error:.2g}"
        if level == best:
            return (
                f"{level:,} is the best of the ladder ({said}), and nothing smaller comes within "
                "one standard error of it."
            )
        return (
            f"{level:,} is enough: {said} is within one standard error of the best, {best:,} "
            f"({self.best.mean:.5g})."
        )


def chosen(finalists: list[Placed]) -> Chosen:
    """Choose among the candidates of the last rung."""
    groups = by_group(finalists)
    best = min(groups.values(), key=lambda each: (each.mean, each.candidate.group))
    return Chosen(groups[smallest_within_noise(finalists)], best, noise(finalists))


def rate_warning(candidates: Sequence[Candidate], won: Candidate) -> list[str]:
    """Return a warning where the learning rate of the answer is at an end of those tried."""
    rates = sorted({each.changes[RATE] for each in candidates if RATE in each.changes})
    if len(rates) < 2 or won.changes[RATE] not in (rates[0], rates[-1]):
        return []
    where = "smallest" if won.changes[RATE] == rates[0] else "largest"
    return [
        f"the learning rate of the answer, {won.changes[RATE]:g}, is the {where} that was tried; "
        f"try more around it: --set {RATE}=…"
    ]


def end_warning(levels: list[float], best: float, key: str) -> list[str]:
    """Return a warning where the best level is the largest of the ladder."""
    if best < max(levels):
        return []
    longer = ",".join(f"{each:g}" for each in (max(levels), 2 * max(levels), 4 * max(levels)))
    return [
        f"the best {key} is the largest of the ladder, so a larger one may be better; try --values "
        f"{longer}"
    ]

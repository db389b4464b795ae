"""Synchronous successive halving: who goes on to the next rung, and what is to be done now.

Everything follows from the plan and the results, whoever asks and in whatever order trials ended:
a rung begins when all of the one before it is done (Jamieson & Talwalkar, 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from longshort.tuning.plan import Attempt, Candidate, Plan
from longshort.tuning.results import Results, standard_error


@dataclass(frozen=True)
class Standing:
    """Where a study stands: its present rung, who is in it, and which trials are to be done."""

    rung: int
    candidates: tuple[int, ...]
    open: tuple[Attempt, ...]

    @property
    def is_over(self) -> bool:
        """Whether the last rung is done."""
        return not self.open


@dataclass(frozen=True)
class Placed:
    """A candidate at a rung: its mean loss over the seeds of the rung, and all of its losses."""

    candidate: Candidate
    losses: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean loss; infinite where a seed failed."""
        return sum(self.losses) / len(self.losses)


def standing(plan: Plan, results: Results) -> Standing:
    """Return where a study of these results stands."""
    inside = tuple(each.number for each in plan.candidates)
    for rung in range(len(plan.rungs)):
        attempts = plan.attempts_of(rung, inside)
        missing = tuple(a for a in attempts if (a.number, rung) not in results)
        if missing or rung == len(plan.rungs) - 1:
            return Standing(rung, inside, missing)
        inside = promoted(plan, placed(plan, rung, inside, results))
    raise AssertionError("a plan has a rung")


def placed(plan: Plan, rung: int, inside: tuple[int, ...], results: Results) -> list[Placed]:
    """Return the candidates of a finished rung, in the order of their numbers."""
    found = []
    for number in inside:
        attempts = plan.attempts_of(rung, (number,))
        losses = tuple(results[a.number, rung].loss for a in attempts)
        found.append(Placed(plan.candidates[number], losses))
    return found


def promoted(plan: Plan, field: list[Placed]) -> tuple[int, ...]:
    """Return the candidates that go on: the best of each of the groups that are kept.

    Kept are the best groups, a share `plan.keep` of them. Of levels the smallest one whose loss is
    within the noise of the best is always kept, in the place of the worst of them but the best.
    Where all failed, nobody goes on but the first.
    """
    if plan.keep >= 1:
        return tuple(each.candidate.number for each in field)
    groups = by_group(field)
    ranked = sorted(groups, key=lambda group: (groups[group].mean, group))
    kept = ranked[: max(1, math.ceil(plan.keep * len(ranked) - 1e-9))]
    if plan.axis and (smallest := smallest_within_noise(field)) not in kept:
        kept = [*kept[: max(1, len(kept) - 1)], smallest]
    return tuple(sorted({groups[group].candidate.number for group in kept}))


def by_group(field: list[Placed]) -> dict[float, Placed]:
    """Return the best candidate of each group; of equal ones the first."""
    groups: dict[float, Placed] = {}
    for each in field:
        group = each.candidate.group
        if group not in groups or each.mean < groups[group].mean:
            groups[group] = each
    return groups


def smallest_within_noise(field: list[Placed]) -> float:
    """Return the smallest level whose loss is within one standard error of the best level's."""
    groups = by_group(field)
    best = min(each.mean for each in groups.values())
    limit = best + noise(field)
    return min(group for group, each in groups.items() if each.mean <= limit)


def noise(field: list[Placed]) -> float:
    """Return the standard error of a candidate's mean at this rung; 0 where it is unknown."""
    found = standard_error([list(each.losses) for each in field])
    return 0.0 if math.isnan(found) else found


def most_epochs(plan: Plan, budget: int) -> tuple[int, int]:
    """Return the most epochs that the study can take, and those of training everything in full.

    budget: epochs of a whole training.
    """
    inside, total = len(plan.candidates), 0
    trained, seeds = 0, 0
    for rung in plan.rungs:
        until = rung.epochs(budget)
        total += inside * (rung.seeds * until - seeds * trained)
        trained, seeds = until, rung.seeds
        inside = _most_kept(plan, inside)
    return total, len(plan.candidates) * plan.repeats * budget


def _most_kept(plan: Plan, inside: int) -> int:
    """Return how many of so many candidates go on at most."""
    if plan.keep >= 1:
        return inside
    groups = min(inside, len({each.group for each in plan.candidates}))
    kept = max(1, math.ceil(plan.keep * groups - 1e-9))
    return min(groups, max(kept, 2)) if plan.axis else kept

"""The answer of a study, from its plan and results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshort.errors import RunError
from longshort.tune.halving import Placed, placed, standing
from longshort.tune.plan import Attempt, Candidate, Plan
from longshort.tune.price import spent
from longshort.tune.results import DONE, Result, Results
from longshort.tune.study import Study

CHOICE = (
    "The choice was made on the validation split; the test split was scored once, for it alone."
)


@dataclass(frozen=True)
class Answer:
    """An answer: its sentence, the trial that won, and what it is based on.

    rows: a row for each level or candidate. warnings: what makes it doubtful.
    """

    question: str
    sentence: str
    winner: Attempt
    rows: list[dict[str, Any]]
    cost: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def to_dict(self, run: Path, scores: dict[str, Any]) -> dict[str, Any]:
        """Return the content of `answer.json`."""
        return {
            "question": self.question,
            "answer": self.sentence,
            "settings": dict(self.winner.candidate.changes),
            "run": str(run),
            "rows": self.rows,
            **self.more,
            "cost": self.cost,
            "warnings": self.warnings,
            "choice": CHOICE,
            "test": scores["test"],
            "verdict": scores["verdict"],
        }


def answer_of(study: Study) -> Answer:
    """Return the answer of a study whose rungs are done."""
    plan, results = study.plan, study.results()
    inside = finalists(plan, results)
    refuse_all_failed(study, inside, results)
    best = min(inside, key=lambda each: (each.mean, each.candidate.number))
    sentence = f"Of {len(plan.candidates)} candidates the best is {best.candidate.said()}: "
    sentence += f"validation {best.mean:.5g}."
    return Answer(
        plan.question,
        sentence,
        best_attempt(plan, results, best),
        rows_of(plan, results),
        cost_of(plan, results),
    )


def finalists(plan: Plan, results: Results) -> list[Placed]:
    """Return the candidates of the last rung."""
    now = standing(plan, results)
    return placed(plan, now.rung, now.candidates, results)


def refuse_all_failed(study: Study, inside: list[Placed], results: Results) -> None:
    """Raise `RunError` where every candidate failed."""
    if any(math.isfinite(each.mean) for each in inside):
        return
    said = next((each.said for each in results.values() if each.said), "")
    raise RunError(f"{study.path}: every trial failed; the first: {said}")


def best_attempt(plan: Plan, results: Results, won: Placed) -> Attempt:
    """Return the trial of a candidate with the lowest loss; of equal ones the first."""
    rung = len(plan.rungs) - 1
    attempts = plan.attempts_of(rung, (won.candidate.number,))
    return min(attempts, key=lambda each: (results[each.number, rung].loss, each.number))


def rows_of(plan: Plan, results: Results) -> list[dict[str, Any]]:
    """Return a row for each candidate with its newest rung, those that came furthest first."""
    rows = []
    for candidate in plan.candidates:
        found = newest(plan, results, candidate)
        losses = [each.loss for each in found if math.isfinite(each.loss)]
        failed = len(losses) < len(found)
        steps = [each.step_seconds for each in found if each.step_seconds]
        rows.append(
            {
                "candidate": candidate.number,
                "settings": dict(candidate.changes),
                "level": candidate.level,
                "rung": found[0].rung if found else None,
                "epochs": max((each.epochs for each in found), default=0),
                "validation": None if failed or not losses else sum(losses) / len(losses),
                "losses": losses,
                "train_loss": _mean([each.train_loss for each in found]),
                "parameters": max((each.parameters for each in found), default=0),
                "step_ms": 1000 * min(steps) if steps else None,
                "failed": next((each.status for each in found if each.status != DONE), None),
            }
        )
    return sorted(rows, key=_place)


def _place(row: dict[str, Any]) -> tuple[float, float, int]:
    score = math.inf if row["validation"] is None else row["validation"]
    return -(row["rung"] or 0), score, row["candidate"]


def newest(plan: Plan, results: Results, candidate: Candidate) -> list[Result]:
    """Return the results of a candidate's seeds at the highest rung that it finished."""
    for rung in reversed(range(len(plan.rungs))):
        attempts = plan.attempts_of(rung, (candidate.number,))
        found = [results.get((each.number, rung)) for each in attempts]
        if all(found):
            return [each for each in found if each is not None]
    return []


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None


def cost_of(plan: Plan, results: Results) -> dict[str, Any]:
    """Return what the study cost, in epochs, full runs and seconds."""
    epochs, seconds = spent(results)
    budget = max(each.budget for each in results.values())
    whole = len(plan.candidates) * plan.repeats
    return {
        "epochs": epochs,
        "full_runs": epochs / budget if budget else None,
        "everything_in_full": whole,
        "seconds": seconds,
    }

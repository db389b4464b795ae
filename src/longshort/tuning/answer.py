"""The answer of a study, from its plan and results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from longshort.errors import RunError
from longshort.tuning.curve import Floats, Forecast, fit_curve, forecast
from longshort.tuning.halving import Placed, placed
from longshort.tuning.levels import chosen, end_warning, rate_warning
from longshort.tuning.plan import Attempt, Candidate, Plan
from longshort.tuning.price import spent
from longshort.tuning.results import DONE, Result, Results
from longshort.tuning.study import Study
from longshort.tuning.worker import AnyGround

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


def answer_of(study: Study, ground: AnyGround) -> Answer:
    """Return the answer of a study whose rungs are done."""
    plan, results = study.plan, study.results()
    inside = finalists(plan, results)
    refuse_all_failed(study, inside, results)
    if plan.axis:
        return _of_ladder(plan, results, inside)
    return (
        _of_data(plan, results, inside, ground)
        if plan.is_scored
        else _of_search(plan, results, inside)
    )


def _of_search(plan: Plan, results: Results, inside: list[Placed]) -> Answer:
    best = min(inside, key=lambda each: (each.mean, each.candidate.number))
    sentence = (
        f"Of {len(plan.candidates)} candidates the best is {best.candidate.said()}: validation "
        f"{best.mean:.5g}."
    )
    return _answer(plan, results, best, sentence)


def _of_ladder(plan: Plan, results: Results, inside: list[Placed]) -> Answer:
    """Answer with the smallest level within one standard error of the best."""
    found = chosen(inside)
    levels = [each.candidate.group for each in inside]
    ladder = sorted({each.group for each in plan.candidates})
    row = next(r for r in rows_of(plan, results) if r["candidate"] == found.enough.candidate.number)
    size = f"{row['parameters']:,} parameters{_per_step(row['step_ms'])}."
    sentence = f"{plan.axis}: {found.sentence()} {size}"
    more = {
        "axis": plan.axis,
        "level": found.enough.candidate.level,
        "best_level": found.best.candidate.level,
        "standard_error": found.error,
        "compared_in_full": sorted(set(levels)),
    }
    warnings = [
        *end_warning(ladder, found.best.candidate.group, plan.axis),
        *rate_warning(plan.candidates, found.enough.candidate),
    ]
    return _answer(plan, results, found.enough, sentence, more=more, warnings=warnings)


def _per_step(milliseconds: float | None) -> str:
    """Return the time per step; nothing where trainings were too short to measure it."""
    return "" if milliseconds is None else f", {milliseconds:.3g} ms per step"


def _of_data(plan: Plan, results: Results, inside: list[Placed], ground: AnyGround) -> Answer:
    """Answer with the learning curve of the task's metric, and where it leads."""
    config = ground.prepared(inside[-1].candidate.changes).config
    metric = ground.task.metric(config)
    amounts = np.array([each.candidate.share for each in inside])
    seeds = [_metrics(plan, results, each) for each in inside]
    now = float(seeds[-1].mean())
    ahead = forecast(amounts, seeds, 2.0 * amounts[-1], plan.seed)
    curve = fit_curve(np.repeat(amounts, [len(s) for s in seeds]), np.concatenate(seeds))
    sentence = (
        f"Twice the training data would bring {metric.title} from {metric.write(now)} to about "
        f"{metric.write(ahead.score)} ({ahead.level:.0%} interval {metric.write(ahead.low)} to "
        f"{metric.write(ahead.high)}), if the curve goes on as it does."
    )
    more = {
        "metric": metric.key,
        "curve": {**vars(curve), "form": "limit + scale * share ** -power"},
        "now": now,
        "twice": vars(ahead),
        "points": [
            {"share": float(n), "values": s.tolist()} for n, s in zip(amounts, seeds, strict=True)
        ],
    }
    return _answer(plan, results, inside[-1], sentence, more=more, warnings=_doubts(now, ahead))


def _metrics(plan: Plan, results: Results, each: Placed) -> Floats:
    attempts = plan.attempts_of(len(plan.rungs) - 1, (each.candidate.number,))
    values = [results[a.number, len(plan.rungs) - 1].metric for a in attempts]
    return np.array([value for value in values if value is not None])


def _doubts(now: float, ahead: Forecast) -> list[str]:
    """Return a warning where the extrapolation does not say whether more data would help."""
    if ahead.low <= now <= ahead.high:
        return ["the interval includes the present score: more data may bring nothing"]
    return []


def _answer(
    plan: Plan,
    results: Results,
    won: Placed,
    sentence: str,
    more: dict[str, Any] | None = None,
    warnings: list[str] | None = None,
) -> Answer:
    return Answer(
        plan.question,
        sentence,
        best_attempt(plan, results, won),
        rows_of(plan, results),
        cost_of(plan, results),
        warnings or [],
        more or {},
    )


def finalists(plan: Plan, results: Results) -> list[Placed]:
    """Return the candidates that reached the last rung."""
    last = len(plan.rungs) - 1
    reached = [
        each.number
        for each in plan.candidates
        if all((a.number, last) in results for a in plan.attempts_of(last, (each.number,)))
    ]
    return placed(plan, last, tuple(reached), results)


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
                "share": candidate.share,
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
    """Return what the study cost, in full runs and seconds."""
    runs, seconds = spent(results)
    return {
        "full_runs": runs,
        "everything_in_full": len(plan.candidates) * plan.repeats,
        "seconds": seconds,
    }

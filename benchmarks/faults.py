"""The doctor on planted faults: 40 faults, each in three tasks, and 60 healthy trainings.

    python benchmarks/faults.py [--parts unseen corrected calibrate] [--only 3 8] [--show]

Faults of settings are planted in runs of the library, those of training code in plain torch, which
`longshort.diagnose` examines with the user's own step. Thresholds were set on the tasks of one
part, corrected by another, and are reported on a third that was made after that.

recall: faults that are named, or repaired, by one of at most three findings. precision: findings
that are so, among all findings of faulty and of healthy trainings. place: faults found at the right
place. recall_of_harm: recall among faults that cost at least 5 % of the score on clean test data.
repaired: faults whose first remedy wins back 80 % of the lost score, of those that cost any.
flagged: healthy trainings with a finding; in_vain: those whose first remedy does not take a fifth
off the error on clean test data. Baseline: what is published for other tools
(docs/doctor.md), on other programs. Results and the environment go to results/faults.json.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import faults_runs as runs
import torch
from faults_planted import (
    FAULTS,
    HEALTHY_MODULES,
    HEALTHY_RUNS,
    PARTS,
    UNSEEN,
    Planted,
    followed,
    part_of,
    with_unseen,
)
from faults_tasks import Setup, make, trained_score

import longshort as ls
from longshort.diagnosis.diagnosis import Diagnosis
from longshort.errors import LongshortError
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "faults.json"
WON_BACK, LEAST_LOSS, FIFTH = 0.8, 0.05, 0.2
BUDGET = 300.0
"""Seconds. Above the usual 60, so that a busy machine changes no finding."""
WHOLE = 1_000_000
"""Steps of a training: more than any has, so that none is cut by the speed of the machine."""


def examined_module(setup: Setup) -> Diagnosis:
    """Examine a training in plain torch."""
    made = make(setup)
    return ls.diagnose(
        made.module,
        made.loss,
        made.batches,
        step=made.step,
        optimizer=made.optimizer,
        val_batches=made.val_batches,
        validate=made.validate,
        budget=BUDGET,
        steps=setup.epochs * len(made.batches),
        **made.more,
    )


def data_of(task: str, base: dict[str, Any]) -> Any:
    """Return a task's data, of fewer rows where the case says so."""
    rows = base.get("rows")
    if rows is None:
        return runs.DATA[task]()
    kinds = {
        "regress": lambda: runs.labelled("regress", rows),
        "classify": lambda: runs.labelled("classify", rows),
        "forecast": lambda: runs.series(rows + 60),
        "sawtooth": lambda: runs.sawtooth(rows + 60),
    }
    return kinds[task]()


def examined_run(task: str, changes: dict[str, Any], data: Any) -> Diagnosis:
    """Examine settings of the library on data."""
    settings = runs.settings_of(task, changes)
    return ls.doctor(data, settings, budget=BUDGET, steps=WHOLE)


def on_module(planted: Planted, task: str) -> dict[str, Any]:
    """Plant a fault in plain torch, examine it, and follow the first remedy."""
    healthy = Setup(task=task, **planted.base)
    faulty = replace(healthy, **planted.changes)
    found = examined_module(faulty)
    part = 1 if planted.reported else 0
    before, good = (score(each, part) for each in (faulty, healthy))
    repaired = before
    if found.faults:
        first = found.faults[0]
        repaired = score(followed(faulty, first.id, first.changes), part)
    if planted.number == 10:
        good, before, repaired = (min(each, 1.0) for each in (good, before, repaired))
    return judged(planted, task, found, before, good, repaired)


def score(setup: Setup, part: int) -> float:
    """Return the error on the test split, or the validation score that the training reports."""
    try:
        return trained_score(setup, seed=1)[part]
    except RuntimeError:  # the fault stops training
        return 1.0


def on_run(planted: Planted, task: str) -> dict[str, Any]:
    """Plant a fault in the settings of a run, examine it, and follow the first remedy."""
    base = {key: value for key, value in planted.base.items() if "." in key}
    faulty = {**base, **planted.changes}
    data = data_of(task, dict(planted.base))
    found = examined_run(task, faulty, data)
    before, good = (runs.score_of(task, each, data) for each in (faulty, base))
    repaired = before
    if found.faults:
        repaired = runs.score_of(task, {**faulty, **found.faults[0].changes}, data)
    return judged(planted, task, found, before, good, repaired)


def judged(
    planted: Planted, task: str, found: Diagnosis, before: float, good: float, repaired: float
) -> dict[str, Any]:
    """Return what is known of a case. Lost: share of the healthy score, or of the faulty one."""
    harm = before - good if math.isfinite(before) else math.inf
    harm = abs(harm) if planted.reported else harm
    lost = harm / max(abs(before), abs(good), 1e-9) if math.isfinite(before) else 1.0
    won = 1.0 - abs(repaired - good) / harm if harm > 0 and math.isfinite(harm) else 0.0
    if not planted.reported and repaired <= good:
        won = 1.0
    if not math.isfinite(before) and math.isfinite(repaired):
        won = 1.0 if repaired <= good * 1.2 else 0.5
    is_repaired = bool(found.faults) and lost >= LEAST_LOSS and won >= WON_BACK
    named = [each for each in found.faults if each.id in planted.ids]
    return {
        "fault": planted.number,
        "ids": planted.ids,
        "task": task,
        "part": part_of(task),
        "found": [each.id for each in found.faults],
        "places": [each.place for each in found.faults],
        "right": len(named),
        "is_found": bool(named) or is_repaired,
        "is_placed": any(each.place.startswith(planted.place) for each in named),
        "scores": [before, good, repaired],
        "lost": round(lost, 4),
        "won": round(won, 4),
        "is_harmful": lost >= LEAST_LOSS or not planted.repairable,
        "counts_repair": planted.repairable and lost >= LEAST_LOSS,
        "is_repaired": is_repaired,
        "seconds": round(found.seconds, 1),
        "remedy": found.faults[0].remedy if found.faults else "",
    }


def healthy_case(task: str, changes: dict[str, Any], is_run: bool) -> dict[str, Any]:
    """Examine a healthy training."""
    if is_run:
        data = runs.DATA[task]()
        found = examined_run(task, changes, data)
        scored = [runs.score_of(task, {**changes, **each}, data) for each in remedies(found)]
    else:
        setup = Setup(task=task, **changes)
        found = examined_module(setup)
        ways = [setup, *(followed(setup, each.id, each.changes) for each in found.faults[:1])]
        scored = [score(each, 0) for each in ways] if found.faults else []
    return {
        "task": task,
        "changes": changes,
        "part": part_of(task),
        "found": [each.id for each in found.faults],
        "evidence": [each.evidence for each in found.faults],
        "regained": [each.regained for each in found.faults],
        "scores": scored,
        "in_vain": bool(scored) and scored[1] > (1.0 - FIFTH) * scored[0],
        "seconds": round(found.seconds, 1),
    }


def remedies(found: Diagnosis) -> list[Any]:
    """Return no change and the first remedy, where something was found."""
    return [{}, found.faults[0].changes] if found.faults else []


def summary(faulty: list[dict[str, Any]], healthy: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the scores of one half."""
    told = sum(len(each["found"]) for each in faulty)
    false = sum(len(each["found"]) for each in healthy)
    right = sum(
        len(each["found"]) if each["is_repaired"] and not each["right"] else each["right"]
        for each in faulty
    )
    counted = [each for each in faulty if each["counts_repair"]]
    seconds = [each["seconds"] for each in (*faulty, *healthy)]
    return {
        "faults": len(faulty),
        "recall": share(faulty, "is_found"),
        "recall_of_harm": share([each for each in faulty if each["is_harmful"]], "is_found"),
        "precision": right / max(1, told + false),
        "place": share(faulty, "is_placed"),
        "repaired": share(counted, "is_repaired"),
        "repairs_counted": len(counted),
        "healthy": len(healthy),
        "flagged": sum(bool(each["found"]) for each in healthy) / max(1, len(healthy)),
        "in_vain": share(healthy, "in_vain"),
        "seconds_median": sorted(seconds)[len(seconds) // 2] if seconds else None,
        "seconds_most": max(seconds, default=None),
    }


def share(cases: list[dict[str, Any]], key: str) -> float:
    """Return the share of cases of which this is true."""
    return sum(bool(each[key]) for each in cases) / max(1, len(cases))


def told(case: dict[str, Any]) -> str:
    """Return a line about a case."""
    if "fault" not in case:
        return f"healthy {case['task']} {case['changes']}: {case['found']} {case['seconds']} s"
    mark = "ok " if case["is_found"] else "-- "
    won = f"won {case['won']:.2f} of {case['lost']:.2f}" if case["counts_repair"] else "no loss"
    return (
        f"{mark}{case['fault']} {case['ids'][0]} in {case['task']}: {case['found']} {won} "
        f"{case['seconds']} s"
    )


def scores_of(results: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of the parts that were run."""
    ran = {each["part"] for each in (*results["faulty"], *results["healthy"])}
    return {
        part: summary(
            [each for each in results["faulty"] if each["part"] == part],
            [each for each in results["healthy"] if each["part"] == part],
        )
        for part in PARTS
        if part in ran
    }


def main() -> None:
    """Run the bed, or a part of it, and print its scores."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--only", nargs="+", type=int, help="numbers of faults; 0: healthy")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if chosen.show:
        print(json.dumps(scores_of(json.loads(chosen.out.read_text())), indent=1))
        return
    kept = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    results = {kind: kept.get(kind, []) for kind in ("faulty", "healthy")}
    for kind, case in cases(chosen.parts, chosen.only):
        print(told(case), flush=True)
        keep(results[kind], case)
        results |= {"scores": scores_of(results), "environment": environment()}
        chosen.out.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results["scores"], indent=1))


def cases(parts: list[str], only: list[int] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the results of the cases that are asked for, each with its kind."""
    for planted in FAULTS:
        for task in (*planted.tasks, UNSEEN[planted.tasks[1]]):
            if part_of(task) in parts and (not only or planted.number in only):
                yield "faulty", guarded(planted, task)
    for is_run, healthy in ((False, HEALTHY_MODULES), (True, HEALTHY_RUNS)):
        for task, changes in with_unseen(healthy):
            if part_of(task) in parts and (not only or 0 in only):
                yield "healthy", healthy_case(task, dict(changes), is_run)


def keep(known: list[dict[str, Any]], case: dict[str, Any]) -> None:
    """Put a case in the place of its earlier result, or at the end."""
    names = ("fault", "task", "changes")
    same = [n for n, each in enumerate(known) if all(each.get(k) == case.get(k) for k in names)]
    if same:
        known[same[0]] = case
    else:
        known.append(case)


def guarded(planted: Planted, task: str) -> dict[str, Any]:
    """Run a case; data that the library refuses to train on count as found by that message."""
    try:
        return (on_run if planted.is_run else on_module)(planted, task)
    except LongshortError as error:
        nothing = Diagnosis(str(error), [], [], {}, 0, 0, 0.0)
        return judged(planted, task, nothing, 1.0, 0.0, 1.0)


if __name__ == "__main__":
    main()

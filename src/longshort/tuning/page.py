"""The page of a study: the answer, pictures, and the table of everything that was tried."""

from __future__ import annotations

from typing import Any

from longshort.report.render import render
from longshort.report.sections import Note, Picture, Section, Table
from longshort.runs.job import environment
from longshort.train.progress import duration
from longshort.tuning.board import share
from longshort.tuning.plan import Attempt, Plan, written
from longshort.tuning.plots import data_curve, ladder, learning_curves, reach, searched
from longshort.tuning.questions import QUESTIONS
from longshort.tuning.study import Study
from longshort.tuning.text import table_rows


def study_page(study: Study, answer: dict[str, Any], winner: Attempt) -> str:
    """Return the page: one HTML file without external files, so it opens offline."""
    plan, machine = study.plan, environment()
    asked = QUESTIONS.get(plan.question, "which settings are best")
    task, data = plan.settings.get("task", ""), plan.settings.get("data", {}).get("path")
    return render(
        "sections.html.j2",
        {
            "title": f"{asked[:1].upper()}{asked[1:]}",
            "about": [
                f"task {task}; data {data or 'in memory'}",
                _how(plan),
                f"longshort {machine['packages']['longshort']}, torch "
                f"{machine['packages']['torch']}, {machine['platform']}",
            ],
            "verdict": answer["answer"],
            "outcome": "" if answer["warnings"] else "better",
            "sections": [
                *_doubts(answer),
                Section("The answer", [_picture(plan, answer)]),
                *_reach(answer),
                Section("Learning curves", [_curves(study, winner)]),
                Section("Everything that was tried", _table(answer)),
                Section("The winner", _winner(answer)),
            ],
        },
    )


def _how(plan: Plan) -> str:
    rungs = ", ".join(share(rung.share) for rung in plan.rungs)
    seeds = "a seed" if plan.repeats == 1 else f"up to {plan.repeats} seeds"
    rungs = f"in rungs, which end at {rungs} of the epochs" if len(plan.rungs) > 1 else "in full"
    return f"{len(plan.candidates)} candidates with {seeds} each, trained {rungs}"


def _doubts(answer: dict[str, Any]) -> list[Section]:
    notes = [Note(f"{text[:1].upper()}{text[1:]}.") for text in answer["warnings"]]
    return [Section("Before you rely on it", notes)] if notes else []


def _picture(plan: Plan, answer: dict[str, Any]) -> Picture:
    if plan.axis:
        levels: dict[float, dict[str, Any]] = {}
        for row in answer["rows"]:  # the best of a level comes first
            if row["validation"] is not None:
                levels.setdefault(row["level"], row)
        return Picture("ladder", ladder(list(levels.values()), answer), 820)
    if plan.is_scored:
        return Picture("learning curve", data_curve(answer), 820)
    return Picture("search", searched(answer["rows"], list(answer["settings"])))


def _reach(answer: dict[str, Any]) -> list[Section]:
    """Return how far back the winner looks, and what each window costs, for such questions."""
    if "reach" not in answer:
        return []
    note = (
        "Between the inputs of the first recurrent layer and the last state of the last one. "
        "Gradient: norm of the derivative of that state, as a share of the largest. Hidden input: "
        "how far the state moves where the input is replaced by the mean one, as a share of how "
        "far the states of samples lie apart. It says where the network looks, not what helps."
    )
    steps = {row["level"]: row["step_ms"] for row in answer["rows"] if row["step_ms"]}
    costs = [
        [f"{each['level']:g}", f"{each['saved_bytes'] / 2**20:.2f}", f"{steps[each['level']]:.3g}"]
        for each in answer["costs"]
        if each["level"] in steps
    ]
    head = [str(answer["axis"]), "MB kept for the backward pass of a batch", "ms/step"]
    return [
        Section(
            "How far back it looks", [Picture("reach", reach(answer["reach"]), 820), Note(note)]
        ),
        Section("What a window costs", [Table([head, *costs])]),
    ]


def _curves(study: Study, winner: Attempt) -> Picture:
    histories = {each.name: study.history(each) for each in study.plan.attempts}
    begun = {name: history for name, history in histories.items() if history}
    return Picture("training", learning_curves(begun, winner.name), 820)


def _table(answer: dict[str, Any]) -> list[Table | Note]:
    cost = answer["cost"]
    return [
        Table(table_rows(answer)),
        Note(
            "Validation: mean over the seeds of the candidate's last rung, lower is better; a "
            "candidate with fewer epochs was stopped there. Settings that are the same for all are "
            "left out."
        ),
        Note(
            f"It took {cost['full_runs']:.1f} full runs, {duration(cost['seconds'])} of training; "
            f"everything in full would be {cost['everything_in_full']} runs."
        ),
    ]


def _winner(answer: dict[str, Any]) -> list[Table | Note]:
    settings = [[key, written(value)] for key, value in answer["settings"].items()]
    return [
        Table([["setting", "value"], *settings]),
        Note(f"On the test split: {answer['verdict']}"),
        Note(answer["choice"]),
        Note(f"The whole run, with its report, is in {answer['run']}."),
    ]

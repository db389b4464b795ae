"""The ladder of sizes beside the grid of all its trials in full, on twenty small tasks.

Every trial of the ladder is trained to its end once. As a trial that pauses goes on to the bit,
what the ladder would have seen is the beginning of these trainings, so any rungs can be asked on
the same grid. Those of the library were chosen on every second task, and are reported on the
others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from longshort.config import assign
from longshort.data.labelled import examples_of
from longshort.runs import story
from longshort.runs.trial import Ground
from longshort.tuning.answer import finalists
from longshort.tuning.halving import standing
from longshort.tuning.levels import chosen
from longshort.tuning.plan import Plan, Rung
from longshort.tuning.planning import shared_settings
from longshort.tuning.questions import UNITS, Asked, plan_question
from longshort.tuning.results import DONE, Result, standard_error
from longshort.tuning.worker import changes_of

CURVES = Path(__file__).parent / "results" / "tune_curves.json"
CAPPED = {"train.steps_per_epoch": 20}
"""Settings of all small tasks: what is compared is the choice, not how far it can be trained."""
SIZES, QUICK_SIZES = (2, 4, 8, 16, 32), (2, 8)
UCR = ("Chinatown", "SonyAIBORobotSurface1", "TwoLeadECG", "MoteStrain", "ECG200", "CBF", "UMD")
EPOCHS = 18
RUNGS = {
    "1/9 1/3 1, two seeds": (Rung(1 / 9, 2), Rung(1 / 3, 3), Rung(1.0, 3)),
    "1/9 1/3 1, three seeds": (Rung(1 / 9, 3), Rung(1 / 3, 3), Rung(1.0, 3)),
    "2/9 1/2 1, one seed": (Rung(2 / 9, 1), Rung(1 / 2, 3), Rung(1.0, 3)),
    "1/6 1/3 1, two seeds": (Rung(1 / 6, 2), Rung(1 / 3, 3), Rung(1.0, 3)),
    "1/6 1/2 1, one seed": (Rung(1 / 6, 1), Rung(1 / 2, 3), Rung(1.0, 3)),
    "1/9 2/9 1/2 1": (Rung(1 / 9, 1), Rung(2 / 9, 2), Rung(1 / 2, 3), Rung(1.0, 3)),
    "1/3 1, one seed": (Rung(1 / 3, 1), Rung(1.0, 3)),
}
"""Rungs that are asked, by what they are."""
KEPT = (1 / 3, 1 / 2)
"""Shares of the sizes that go on."""
Row = dict[str, Any]
Curves = Mapping[int, Row]
"""By number of the trial: validation scores of its epochs, and seconds."""


@dataclass(frozen=True)
class Small:
    """A small task: settings by dotted key, and its data, or None for a file in the settings."""

    name: str
    settings: dict[str, Any]
    data: object = None

    def nested(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in self.settings.items():
            assign(found, key, value)
        return found


# Small tasks


def labelled(name: str, make: Callable[[np.random.Generator], tuple[Any, Any]], task: str) -> Small:
    rng = np.random.default_rng(0)
    items, labels = zip(*(make(rng) for _ in range(400)), strict=True)
    settings = {"task": task, "split.val": 0.25, "split.test": 0.1}
    return Small(name, {**settings, **CAPPED}, examples_of(list(items), list(labels)))


def noise(rng: np.random.Generator, steps: int = 20, width: int = 2) -> Any:
    return rng.normal(size=(steps, width))


def adding(rng: np.random.Generator) -> tuple[Any, float]:
    x = np.zeros((20, 2))
    x[:, 0] = rng.uniform(size=20)
    places = rng.choice(20, 2, replace=False)
    x[places, 1] = 1.0
    return x, float(x[places, 0].sum())


def order(rng: np.random.Generator) -> tuple[Any, str]:
    """Two marks in noise: which one comes first."""
    x, places = 0.1 * noise(rng), np.sort(rng.choice(20, 2, replace=False))
    first = int(rng.integers(2))
    x[places[0], first] += 1.0
    x[places[1], 1 - first] += 1.0
    return x, "ab"[first]


def frequency(rng: np.random.Generator) -> tuple[Any, str]:
    kind = int(rng.integers(3))
    t = np.arange(24) + rng.uniform(0, 24)
    return (np.sin(t * (0.3 + 0.1 * kind)) + 0.3 * rng.normal(size=24))[:, None], "abc"[kind]


def majority(rng: np.random.Generator) -> tuple[Any, str]:
    x = noise(rng, 15, 1)
    return x, "up" if x.sum() > 0 else "down"


def summed(rng: np.random.Generator) -> tuple[Any, float]:
    x = noise(rng)
    return x, float(x.sum())


def greatest(rng: np.random.Generator) -> tuple[Any, float]:
    x = noise(rng)
    return x, float(x[:, 0].max())


def latest(rng: np.random.Generator) -> tuple[Any, float]:
    x = noise(rng)
    return x, float(x[-1, 0] * x[-2, 1])


def series(name: str, values: Any) -> Small:
    stamps = np.datetime64("2020-01-01T00", "us") + np.arange(len(values)) * np.timedelta64(1, "h")
    frame = pl.DataFrame({"ds": stamps, "y": np.asarray(values, dtype=float)})
    settings = {"task": "forecast", "model.context_length": 48, "model.horizon": 12}
    return Small(name, {**settings, "model.season": 24, **CAPPED}, frame)


def waves(rng: np.random.Generator) -> Any:
    t = np.arange(1200)
    return np.sin(t / 24 * 2 * np.pi) * (1 + 0.5 * np.sin(t / 50)) + 0.2 * rng.normal(size=1200)


def logistic(rng: np.random.Generator) -> Any:
    """The logistic map with noise: a curve of the last value that no linear map follows."""
    x = [0.4]
    for _ in range(1199):
        x.append(3.7 * x[-1] * (1 - x[-1]))
    return np.array(x) + 0.02 * rng.normal(size=1200)


def small_tasks(data: Path) -> list[Small]:
    """Twenty tasks: sequences that are made up, small sets of UCR, and short series."""
    rng = np.random.default_rng(0)
    ucr = [
        Small(
            name,
            {
                "task": "classify",
                "split.val": 0.25,
                "split.test": 0.1,
                "data.path": str(data / "ucr" / f"{name}_TEST.tsv.gz"),
                **CAPPED,
            },
        )
        for name in UCR
    ]
    etth = pl.read_csv(data / "ett" / "ETTh1.csv")
    speed = pl.read_csv(data / "los_loop" / "los_speed.csv")
    return [
        labelled("order of two marks", order, "classify"),
        labelled("frequency", frequency, "classify"),
        labelled("majority", majority, "classify"),
        labelled("adding", adding, "regress"),
        labelled("sum", summed, "regress"),
        labelled("greatest", greatest, "regress"),
        labelled("product of the last", latest, "regress"),
        series("waves", waves(rng)),
        series("logistic map", logistic(rng)),
        series("ETTh1 OT", etth["OT"][:1500]),
        series("ETTh1 HUFL", etth["HUFL"][:1500]),
        series("road 1", speed[:, 0][:1500]),
        series("road 2", speed[:, 5][:1500]),
        *ucr,
    ]


# The grid, once, and the ladder on it


def part_units(data: Path, quick: bool) -> Row:
    """Train the grids that are not kept yet, and ask the ladder on them."""
    tasks = small_tasks(data)
    chosen_tasks = [tasks[0], tasks[4], tasks[7]] if quick else tasks
    epochs, sizes = (9, QUICK_SIZES) if quick else (EPOCHS, SIZES)
    kept = json.loads(CURVES.read_text()) if CURVES.is_file() and not quick else {}
    plans: dict[str, Plan] = {}
    for small in chosen_tasks:
        plans[small.name], ground = planned(small, epochs, sizes)
        if small.name not in kept:
            kept[small.name] = curves_of(plans[small.name], ground)
            if not quick:
                CURVES.write_text(json.dumps(kept) + "\n")
            print(f"  {small.name}: {len(kept[small.name])} trainings", flush=True)
    grids = {name: (plan, _numbered(kept[name])) for name, plan in plans.items()}
    return {"max_epochs": epochs, "sizes": sizes, "designs": designs(grids), **ours(grids)}


def planned(small: Small, epochs: int, sizes: tuple[int, ...]) -> tuple[Plan, Any]:
    """Return the library's plan of the question, and its data."""
    settings = small.nested()
    assign(settings, "train.max_epochs", epochs)
    task = story.task_of(settings)
    ground = Ground(task, shared_settings(task, settings), small.data)
    return plan_question(UNITS, Asked(ground, [float(each) for each in sizes], None, 0)), ground


def curves_of(plan: Plan, ground: Any) -> dict[str, Row]:
    """Train every trial to its end; validation scores by epoch."""
    found = {}
    for attempt in plan.attempts:
        trained = ground.trial(changes_of(attempt)).advance()
        scores = [round(float(each["val_score"]), 6) for each in trained.history[1:]]
        found[str(attempt.number)] = {"scores": scores, "seconds": round(trained.seconds, 3)}
    return found


def _numbered(curves: Mapping[str, Row]) -> Curves:
    return {int(number): each for number, each in curves.items()}


def ladder(plan: Plan, curves: Curves) -> Row:
    """Return the answer of the ladder, from the beginnings of the trainings, and its cost."""
    results: dict[tuple[int, int], Result] = {}
    epochs, seconds, budget = 0, 0.0, plan.settings["train"]["max_epochs"]
    while not (now := standing(plan, results)).is_over:
        for attempt in now.open:
            curve = curves[attempt.number]
            until = min(plan.rungs[now.rung].epochs(budget), len(curve["scores"]))
            before = results.get((attempt.number, now.rung - 1))
            spent = until - (before.epochs if before else 0)
            score = min(curve["scores"][:until])
            results[attempt.number, now.rung] = Result(
                attempt.number, now.rung, DONE, score, epochs=until, spent=spent
            )
            epochs += spent
            seconds += curve["seconds"] * spent / len(curve["scores"])
    level = chosen(finalists(plan, results)).enough.candidate.level
    return {"answer": level, "epochs": epochs, "seconds": seconds}


def grid(plan: Plan, curves: Curves) -> Row:
    """Return the losses of all sizes by the whole grid: of each its best learning rate's mean."""
    losses: dict[int, list[float]] = {}
    for attempt in plan.attempts:
        number = attempt.candidate.number
        losses.setdefault(number, []).append(min(curves[attempt.number]["scores"]))
    levels: dict[float, float] = {}
    for candidate in plan.candidates:
        mean = float(np.mean(losses[candidate.number]))
        levels[candidate.group] = min(levels.get(candidate.group, np.inf), mean)
    error, best = standard_error(list(losses.values())), min(levels.values())
    return {
        "levels": {f"{level:g}": loss for level, loss in levels.items()},
        "standard_error": error,
        "best": min(levels, key=lambda level: levels[level]),
        "smallest_within": min(v for v, loss in levels.items() if loss <= best + error),
        "epochs": sum(len(each["scores"]) for each in curves.values()),
        "seconds": sum(each["seconds"] for each in curves.values()),
    }


def asked(name: str, plan: Plan, curves: Curves) -> Row:
    """Return the ladder's answer beside the grid's; right: within a standard error of its best."""
    found, whole = ladder(plan, curves), grid(plan, curves)
    levels = whole["levels"]
    loss = levels[f"{found['answer']:g}"]
    return {
        "task": name,
        **found,
        "loss": loss,
        "is_right": loss <= min(levels.values()) + whole["standard_error"],
        "grid": whole,
    }


def summed_up(rows: list[Row]) -> Row:
    """Return how many answers are right, and the share of the grid's cost."""
    return {
        "right": sum(row["is_right"] for row in rows),
        "of": len(rows),
        "share_of_epochs": sum(r["epochs"] for r in rows) / sum(r["grid"]["epochs"] for r in rows),
        "share_of_time": sum(r["seconds"] for r in rows) / sum(r["grid"]["seconds"] for r in rows),
    }


def designs(grids: Mapping[str, tuple[Plan, Curves]]) -> Row:
    """Return what other rungs would have answered on every second task, from the first one on."""
    half = dict(list(grids.items())[::2])
    found = {}
    for name, rungs in RUNGS.items():
        for keep in KEPT:
            rows = [
                asked(task, replace(plan, rungs=rungs, keep=keep), curves)
                for task, (plan, curves) in half.items()
            ]
            found[f"{name}, {keep:.2f} kept"] = summed_up(rows)
            print(f"  {name}, {keep:.2f} kept: {found[f'{name}, {keep:.2f} kept']}")
    return found


def ours(grids: Mapping[str, tuple[Plan, Curves]]) -> Row:
    """Return the answers of the library's rungs: on the half that chose them, and on the other."""
    rows = [asked(task, plan, curves) for task, (plan, curves) in grids.items()]
    halves = {"chosen_on": summed_up(rows[::2]), "reported": summed_up(rows[1::2])}
    for row in rows:
        right = "right" if row["is_right"] else "wrong"
        print(f"  {row['task']}: {row['answer']:g}, grid {row['grid']['best']:g}: {right}")
    for name, half in {**halves, "all": summed_up(rows)}.items():
        shares = f"{half['share_of_epochs']:.1%} of the epochs, {half['share_of_time']:.1%} of the"
        print(f"units, {name}: right in {half['right']} of {half['of']}, at {shares} time")
    print("goal: right in 90 % at 25 %")
    return {**halves, "all": summed_up(rows), "tasks": rows}

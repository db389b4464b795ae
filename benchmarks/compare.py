"""Comparisons of cells: how often they claim what is not so, and whether they find what is.

    LONGSHORT_DATA=FOLDER python benchmarks/compare.py [--parts rule aa adding …] [--show]

rule: 2,000 simulated comparisons without training for each law of the noise and each number of
alternatives: false claims where nothing differs, power where something does, and how often the
interval of the mean difference holds the true one.
aa: the same cell under two names, with random streams of its own for each, in real trainings, each
on other data; the learning rate is tuned in every pair, and in the first pair alone.
adding: numbers at two marked steps among 100 are added (Hochreiter & Schmidhuber, 1997); the simple
cell is known to fail. counting: a language model of a^n b^n, learned on short lines and scored on
longer ones; the LSTM is known to count, and the GRU not to (Weiss et al., 2018).
recipes, ETTh1: three cells on real data, tagging and a forecast 24 hours ahead.

No time is claimed. Results and the environment go to benchmarks/results/compare.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from longshort.config import assign
from longshort.data.examples import example
from longshort.data.labelled import examples_of
from longshort.data.splits import Given
from longshort.runfolder import RunFolder
from longshort.runs.job import environment
from longshort.runs.task import quiet
from longshort.train.events import silent
from longshort.tuning.compare import compare, planned
from longshort.tuning.compare_plan import CELL, Arm, How, arms_of
from longshort.tuning.compare_trainings import Trainings
from longshort.tuning.pairs import bca, claim, fewest_pairs, holm, sign_flip

RESULTS = Path(__file__).parent / "results" / "compare.json"
PARTS = ("rule", "aa", "adding", "counting", "recipes", "ETTh1")
SIMULATED, STREAM = 2_000, 100_000
Draw = np.random.Generator
Law = Callable[[Draw, tuple[int, ...]], np.ndarray[Any, Any]]
Settings = dict[str, Any]


# The rule on simulated scores


def mixed(draw: Draw, size: tuple[int, ...]) -> Any:
    """One training of ten fails."""
    return draw.normal(size=size) + 8.0 * (draw.random(size) < 0.1)


LAWS: dict[str, Law] = {
    "normal": lambda draw, size: draw.normal(size=size),
    "heavy tails (t, 2 degrees)": lambda draw, size: draw.standard_t(2, size),
    "skewed (log-normal)": lambda draw, size: draw.lognormal(sigma=1.0, size=size),
    "ties (whole numbers)": lambda draw, size: np.round(draw.normal(size=size)),
    "one of ten fails": mixed,
}


def simulated(law: Law, arms: int, shift: float, draw: Draw, failing: float = 0.0) -> Any:
    """Losses [arms, pairs]: an effect of the pair, and noise of each training.

    shift: of the first one, towards less. failing: how often the last one fails; its other losses
    are lower, so that the means are equal.
    """
    pairs = fewest_pairs(arms * (arms - 1) // 2)
    found = law(draw, (arms, pairs)) + 3.0 * draw.normal(size=pairs)
    found[0] -= shift
    if failing:
        found[-1] += 5.0 * (draw.random(pairs) < failing) - 5.0 * failing
    return found


def claims(losses: Any) -> list[tuple[int, int]]:
    """Who is claimed to be better than whom, by the rule of `compare_all`."""
    couples = list(combinations(range(len(losses)), 2))
    gains = [losses[second] - losses[first] for first, second in couples]
    adjusted = holm([sign_flip(each) for each in gains])
    sides = [claim(each, p) for each, p in zip(gains, adjusted, strict=True)]
    return [
        couple if side > 0 else couple[::-1]
        for couple, side in zip(couples, sides, strict=True)
        if side
    ]


def rule(count: int) -> dict[str, Any]:
    """Rates of false and of right claims."""
    draw = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for name, law in LAWS.items():
        each: dict[str, Any] = {"comparisons": count}
        for arms in (2, 3, 5):
            false = [bool(claims(simulated(law, arms, 0.0, draw))) for _ in range(count)]
            each[f"false claims, {arms} alternatives"] = float(np.mean(false))
        for shift in (1.0, 2.0, 4.0):
            power = [(0, 1) in claims(simulated(law, 2, shift, draw)) for _ in range(count)]
            each[f"power, shift {shift:g}, 2 alternatives"] = float(np.mean(power))
        for pairs in (6, 10, 20):
            held: list[bool] = []
            for _ in range(count // 4):
                low, high = bca(np.subtract(*law(draw, (2, pairs))))
                held.append(low <= 0.0 <= high)
            each[f"coverage of the 95 % interval, {pairs} pairs"] = float(np.mean(held))
        found[name] = each
        print(name, json.dumps(each), flush=True)
    failing = [bool(claims(simulated(LAWS["normal"], 2, 0.0, draw, 0.2))) for _ in range(count)]
    found["equal means, one fails in a fifth"] = {"claims": float(np.mean(failing))}
    return found


# The same cell under two names


def sums(draw: Draw) -> tuple[Settings, Any]:
    """Regression: noisy sums of short sequences."""
    arrays = [draw.normal(size=(draw.integers(4, 9), 2)) for _ in range(120)]
    values = [float(each.sum() + draw.normal()) for each in arrays]
    train = {"max_epochs": 4, "threads": 1}
    return {
        "task": "regress",
        "model": {"hidden": 6},
        "train": train,
        "split": {"val": 0.2, "test": 0.3, "stratify": False},
    }, examples_of(arrays, values)


def words(draw: Draw) -> tuple[Settings, Any]:
    """Classification: which of two words comes more often."""
    letters = draw.choice(["a", "b", "c", "d"], (120, 7))
    items = [" ".join(row) for row in letters]
    labels = ["more" if (row == "a").sum() > (row == "b").sum() else "less" for row in letters]
    model = {"hidden": 6, "embedding": 6, "members": 1, "grams": False, "convolution": 0}
    return {
        "task": "classify",
        "model": model,
        "train": {"max_epochs": 4, "threads": 1},
        "split": {"val": 0.2, "test": 0.3},
    }, examples_of(items, labels)


def same(
    settings: Settings, data: object, folder: Path, *, tune_once: bool
) -> list[tuple[int, int]]:
    """Claims between a cell and itself, which are all false."""
    arms = (Arm(1, "one", {CELL: "lstm"}), Arm(2, "two", {CELL: "lstm"}))
    plan = planned(settings, arms, How(tune_once=tune_once), data, quiet)
    folder.mkdir(exist_ok=True)
    trainings = Trainings(
        plan.grounds,
        RunFolder(folder),
        (plan.epochs, plan.tuning_epochs),
        plan.rates,
        None,
        silent,
        lambda _epochs, _seconds: None,
    )
    losses: list[list[float]] = [[], []]
    sign = -1.0 if plan.metric.higher_is_better else 1.0
    for pair in plan.pairs:
        for place, arm in enumerate(plan.arms):
            tuned = plan.pairs[0] if tune_once else pair
            own, tuning = (replace(p, seed=p.seed + place * STREAM) for p in (pair, tuned))
            losses[place].append(sign * trainings.final(arm, own, tuning)["test"])
    return claims(np.array(losses))


def aa(count: int, known: dict[str, Any], keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Rates of false claims in real trainings.

    known: what an earlier call kept, from which this one goes on. keep: called after each data set.
    """
    modes = {"rate tuned in each pair": False, "rate tuned once": True}
    tasks = {"regress": sums, "classify": words}
    found = {
        task: known.get(task, {mode: {"comparisons": 0, "false claims": 0} for mode in modes})
        for task in tasks
    }
    for number in range(count):
        for task, make in tasks.items():
            for mode, tune_once in modes.items():
                each = found[task][mode]
                if each["comparisons"] > number:
                    continue
                settings, data = make(np.random.default_rng(number))
                with tempfile.TemporaryDirectory() as folder:
                    made = same(settings, data, Path(folder), tune_once=tune_once)
                each["comparisons"] += 1
                each["false claims"] += bool(made)
                keep(found)
    return found


# Cells against each other


def adding() -> tuple[Settings, Any]:
    """Sequences of 100 numbers; the sum of the two that are marked."""
    draw = np.random.default_rng(0)
    count, steps = 2_500, 100
    values = draw.random((count, steps)).astype(np.float32)
    marks = np.zeros_like(values)
    places = np.stack(
        [draw.integers(0, steps // 2, count), draw.integers(steps // 2, steps, count)]
    )
    marks[np.arange(count), places] = 1.0
    targets = (values * marks).sum(1)
    data = examples_of(list(np.stack([values, marks], axis=2)), targets.tolist())
    model = {"hidden": 16, "summary": False, "dropout": 0.0}
    return {
        "task": "regress",
        "model": model,
        "train": {"max_epochs": 20, "batch_size": 32, "threads": 1},
        "split": {"val": 0.1, "test": 0.1, "stratify": False},
    }, data


def counting() -> tuple[Settings, Any]:
    """Lines of n times a and as many b, n up to 12; those of the test split have 13 to 30."""
    draw = np.random.default_rng(0)

    def lines(count: int, low: int, high: int) -> list[str]:
        return ["a" * n + "b" * n for n in draw.integers(low, high, count)]

    data = Given(lines(1_000, 1, 13), lines(150, 1, 13), lines(150, 13, 31))
    model = {"hidden": 8, "embedding": 4, "num_layers": 1, "tie": False, "dropout": 0.0}
    return {
        "task": "lm",
        "model": model,
        "text": {"tokens": "characters"},
        "train": {"max_epochs": 100, "batch_size": 16, "threads": 1},
    }, data


def brief(found: dict[str, Any]) -> dict[str, Any]:
    """The result without times and single trainings, but with their scores."""
    rows = [
        {key: value for key, value in row.items() if key != "step_seconds"}
        | {"tests": [pair["trainings"][row["name"]]["test"] for pair in found["pairs"]]}
        for row in found["alternatives"]
    ]
    kept = ("task", "best", "equals", "metric", "comparisons", "notes")
    return {key: found[key] for key in kept} | {"alternatives": rows}


def one(settings: Settings, data: object, cells: list[str], **how: Any) -> dict[str, Any]:
    """A comparison of cells; the folder is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        found = compare(
            settings,
            arms_of(cells, None),
            Path(folder) / "compared",
            how=How(**how),
            data=data,
            say=lambda line: print(line, flush=True),
        )
    print(found["verdict"], flush=True)
    return brief(found)


def recipes(is_small: bool) -> tuple[Settings, Any, list[str]]:
    """Tags in recipes, an example of this package."""
    path, chosen = example("recipes")
    settings: Settings = {}
    for key, value in {"data.path": str(path), "train.threads": 1, **chosen}.items():
        assign(settings, key, value)
    if is_small:
        settings["train"] |= {"max_epochs": 3}
        settings["model"] = {"hidden": 16}
    return settings, None, _cells(is_small)


def transformer(is_small: bool) -> tuple[Settings, Any, list[str]]:
    """Oil temperature of ETTh1, 24 hours ahead."""
    path = Path(os.environ["LONGSHORT_DATA"]) / "ett" / "ETTh1.csv"
    brief = {"max_epochs": 2, "steps_per_epoch": 40} if is_small else {}
    return {
        "task": "forecast",
        "data": {"path": str(path), "target": "OT"},
        "model": {"horizon": 24, **({"hidden": 16} if is_small else {})},
        "train": {"threads": 1, **brief},
    }, None, _cells(is_small)  # fmt: skip


def _cells(is_small: bool) -> list[str]:
    return ["lstm", "gru"] if is_small else ["lstm", "gru", "rnn"]


def main() -> None:
    """Run the parts that are asked for, and keep the results of the others."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--simulated", type=int, default=SIMULATED)
    parser.add_argument("--aa", type=int, default=40, help="comparisons for each task and mode")
    parser.add_argument("--small", action="store_true", help="small networks on real data")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}

    def keep(part: str, found: Any) -> None:
        results[part] = found
        results["environment"] = environment()
        chosen.out.write_text(json.dumps(results, indent=1) + "\n")

    made: dict[str, Callable[[], Any]] = {
        "rule": lambda: rule(chosen.simulated),
        "aa": lambda: aa(chosen.aa, results.get("aa", {}), partial(keep, "aa")),
        "adding": lambda: one(*adding(), ["lstm", "rnn"]),
        "counting": lambda: one(*counting(), ["lstm", "gru"]),
        "recipes": lambda: one(*recipes(chosen.small)),
        "ETTh1": lambda: one(*transformer(chosen.small)),
    }
    for part in () if chosen.show else chosen.parts:
        keep(part, made[part]())
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

"""Tuning beside what it replaces: the exhaustive grid, AutoLSTM, and one worker.

    LONGSHORT_DATA=FOLDER python benchmarks/tune.py [--parts units autolstm workers] [--quick]

units: the ladder of sizes beside the grid of all its trials in full, on 20 small tasks. The grid
goes on from the ladder's own checkpoints, so what both train is the same to the bit. Right is an
answer whose loss in the grid is within one standard error of the grid's best.
autolstm: a search beside AutoLSTM of NeuralForecast (10 samples, its own ranges) at equal time, on
six sets of series, by the MAE of the same test windows. Not run where NeuralForecast is missing.
workers: trials per hour of two workers beside one, and what `kill -9` loses.

--quick: few and tiny tasks, to see that it works. Results and the environment go to
benchmarks/results/tune.json; each part replaces its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from longshort.config import assign
from longshort.data.labelled import examples_of
from longshort.runs import story
from longshort.runs.job import environment
from longshort.runs.trial import Ground
from longshort.tuning.results import standard_error
from longshort.tuning.story import join, tune
from longshort.tuning.study import Study
from longshort.tuning.worker import changes_of

RESULTS = Path(__file__).parent / "results" / "tune.json"
PARTS = ("units", "autolstm", "workers")
CAPPED = {"train.steps_per_epoch": 20}
"""Settings of all small tasks: what is compared is the choice, not how far it can be trained."""
SIZES, QUICK_SIZES = (2, 4, 8, 16, 32), (2, 8)
UCR = ("Chinatown", "SonyAIBORobotSurface1", "TwoLeadECG", "MoteStrain", "ECG200", "CBF", "UMD")
EPOCHS = 18
"""Epochs of a full run of the part units, which then takes about 90 minutes of one processor."""
Row = dict[str, Any]


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


# Units beside the grid


def part_units(data: Path, quick: bool) -> Row:
    tasks = small_tasks(data)
    chosen = [tasks[0], tasks[4], tasks[7]] if quick else tasks
    epochs, sizes = (9, QUICK_SIZES) if quick else (EPOCHS, SIZES)
    rows = [units_of(each, epochs, sizes) for each in chosen]
    right = sum(row["is_right"] for row in rows)
    cost = sum(row["epochs"] for row in rows) / sum(row["grid_epochs"] for row in rows)
    seconds = sum(row["seconds"] for row in rows) / sum(row["grid_seconds"] for row in rows)
    print(
        f"units: right in {right} of {len(rows)}, at {cost:.1%} of the epochs, {seconds:.1%} of the"
    )
    print("time; goal: 90 % at 25 %")
    summary = {"right": right, "of": len(rows), "share_of_epochs": cost, "share_of_time": seconds}
    return {**summary, "max_epochs": epochs, "sizes": sizes, "tasks": rows}


def units_of(small: Small, epochs: int, sizes: tuple[int, ...]) -> Row:
    """Answer by the ladder, then train the rest of its trials in full and ask the grid."""
    settings = small.nested()
    assign(settings, "train.max_epochs", epochs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study"
        values = tuple(float(each) for each in sizes)
        found = tune(settings, path, data=small.data, question="units", values=values)
        study = Study.open(path)
        spent = list(study.results().values())
        losses, grid_epochs, grid_seconds = in_full(study, small)
    means = {c: float(np.mean(each)) for c, each in losses.items()}
    error = standard_error(list(losses.values()))
    levels: dict[float, float] = {}
    for candidate in study.plan.candidates:
        level = candidate.group
        levels[level] = min(levels.get(level, np.inf), means[candidate.number])
    best = min(levels.values())
    row = {
        "task": small.name,
        "answer": found["level"],
        "answer_loss": levels[found["level"]],
        "grid_best": min(levels, key=lambda level: levels[level]),
        "grid_smallest_within": min(v for v, loss in levels.items() if loss <= best + error),
        "grid_loss": best,
        "standard_error": error,
        "is_right": levels[found["level"]] <= best + error,
        "epochs": sum(each.spent for each in spent),
        "seconds": sum(each.seconds for each in spent),
        "grid_epochs": grid_epochs,
        "grid_seconds": sum(each.seconds for each in spent) + grid_seconds,
        "levels": {f"{level:g}": loss for level, loss in levels.items()},
    }
    shown = {key: row[key] for key in ("answer", "grid_best", "grid_smallest_within", "is_right")}
    print(
        f"  {small.name}: {shown}, {row['epochs'] / row['grid_epochs']:.0%} of the epochs",
        flush=True,
    )
    return row


def in_full(study: Study, small: Small) -> tuple[dict[int, list[float]], int, float]:
    """Train every trial of a study to its end: losses by candidate, epochs in all, seconds more."""
    ground = Ground(story.task_of(study.plan.settings), study.plan.settings, small.data)
    losses: dict[int, list[float]] = {}
    epochs, seconds = 0, 0.0
    for attempt in study.plan.attempts:
        trained = ground.trial(changes_of(attempt), study.trial_folder(attempt)).advance()
        scores = [each["val_score"] for each in trained.history[1:]]
        losses.setdefault(attempt.candidate.number, []).append(min(scores))
        epochs += int(trained.history[-1]["epoch"])
        seconds += trained.seconds
    return losses, epochs, seconds


# AutoLSTM


def part_autolstm(data: Path, quick: bool) -> Row:
    if importlib.util.find_spec("neuralforecast") is None:
        print("autolstm: not run: NeuralForecast is not installed (pip install 'longshort[bench]')")
        return {"not_run": "NeuralForecast is not installed"}
    sets = series_sets(data)
    rows = [autolstm_of(*each, quick) for each in (sets[:1] if quick else sets)]
    won = sum(row["ours_mae"] < row["autolstm_mae"] for row in rows)
    print(f"autolstm: lower MAE on {won} of {len(rows)} sets at equal time; goal: 4 of 6")
    return {"won": won, "of": len(rows), "sets": rows}


def series_sets(data: Path) -> list[tuple[str, pl.DataFrame, int, int]]:
    """Six sets: name, long table of unique_id, ds, y, horizon and test steps."""
    etth = pl.read_csv(data / "ett" / "ETTh1.csv")
    speed = pl.read_csv(data / "los_loop" / "los_speed.csv")
    columns = {"ETTh1 OT": etth["OT"][:4000], "ETTh1 MUFL": etth["MUFL"][:4000]}
    sets = [(name, long_table({name: values}), 24, 480) for name, values in columns.items()]
    near = {"road": speed[:, 0], "road far": speed[:, 20]}
    sets += [(name, long_table({name: values}), 12, 240) for name, values in near.items()]
    sets.append(
        ("ETTh1 loads", long_table({n: etth[n][:2500] for n in etth.columns[1:7]}), 24, 240)
    )
    roads = {speed.columns[i]: speed[:, i][:1500] for i in range(0, 50, 5)}
    return [*sets, ("ten roads", long_table(roads), 12, 240)]


def long_table(columns: dict[str, Any]) -> pl.DataFrame:
    parts = []
    for name, values in columns.items():
        start, hour = np.datetime64("2020-01-01T00", "us"), np.timedelta64(1, "h")
        stamps = start + np.arange(len(values)) * hour
        parts.append(pl.DataFrame({"unique_id": name, "ds": stamps, "y": values.cast(pl.Float64)}))
    return pl.concat(parts)


def autolstm_of(name: str, table: pl.DataFrame, horizon: int, test: int, quick: bool) -> Row:
    """Time AutoLSTM, then search as long; both forecast from every origin of the test steps."""
    begin = time.monotonic()
    theirs = autolstm_mae(table, horizon, test, 1 if quick else 10)
    budget = time.monotonic() - begin
    settings = {"task": "forecast", "data": {"time": "ds", "target": "y"}}
    settings |= {"model": {"horizon": horizon}, "split": {"val": test, "test": test}}
    if table["unique_id"].n_unique() > 1:
        settings["data"] |= {"group": "unique_id"}
    frame = table if "group" in settings["data"] else table.drop("unique_id")
    begin = time.monotonic()
    space = {
        "model.hidden": "16..128",
        "train.learning_rate": "3e-4..3e-2",
        "model.context_length": [2 * horizon, 4 * horizon, 8 * horizon],
        "model.dropout": [0.0, 0.1, 0.3],
    }
    trials, scores, ours = 0, [], {}
    while not trials or time.monotonic() - begin + (time.monotonic() - begin) / trials < budget:
        with tempfile.TemporaryDirectory() as folder:  # as many small searches as there is time for
            out = Path(folder) / "study"
            found = tune(settings, out, data=frame, search=space, trials=6, seed=trials)
        trials += 1
        scores.append((min(r["validation"] for r in found["rows"] if r["validation"]), found))
    ours = min(scores, key=lambda each: each[0])[1]
    row = {
        "set": name,
        "autolstm_mae": theirs,
        "ours_mae": ours["test"]["model"]["mae"],
        "baselines_mae": {k: v["mae"] for k, v in ours["test"]["baselines"].items()},
        "settings": ours["settings"],
        "autolstm_seconds": budget,
        "ours_seconds": time.monotonic() - begin,
        "searches": trials,
    }
    print(f"  {name}: MAE {row['ours_mae']:.4g}, AutoLSTM {theirs:.4g}", flush=True)
    return row


def autolstm_mae(table: pl.DataFrame, horizon: int, test: int, samples: int) -> float:
    """Return the MAE of AutoLSTM over all origins of the last `test` steps."""
    from neuralforecast import NeuralForecast
    from neuralforecast.auto import AutoLSTM

    # Its Optuna backend starts faster than its Ray one, and has the same default ranges.
    model = AutoLSTM(h=horizon, num_samples=samples, backend="optuna")
    found = NeuralForecast(models=[model], freq="h").cross_validation(
        df=table.to_pandas(), val_size=test, test_size=test, n_windows=None, step_size=1
    )
    return float((found["y"] - found["AutoLSTM"]).abs().mean())


# Workers


def part_workers(_data: Path, quick: bool) -> Row:
    """Time a study with one and with two workers, and kill one at three moments."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marks.csv"
        write_texts(file, 300 if quick else 2000)
        trials = 6 if quick else 24
        seconds = {n: timed(file, Path(folder) / f"with-{n}", n, trials) for n in (1, 2)}
        lost = [
            killed(file, Path(folder), after, trials) for after in ((2,) if quick else (2, 9, 20))
        ]
    gain = seconds[1] / seconds[2]
    print(f"workers: two make {gain:.2f} times the trials of one; goal: 1.7")
    print(f"kill -9: {lost}")
    return {"seconds": seconds, "gain": gain, "processors": os.cpu_count(), "killed": lost}


def write_texts(file: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    words = np.array(["fine", "bad", "day", "night", "rain", "sun", "good", "poor"])
    lines = ["text,label"]
    for number in range(rows):
        drawn = rng.choice(words, 20)
        label = "more" if (drawn == "fine").sum() > (drawn == "bad").sum() else "less"
        lines.append(f"{' '.join(drawn)} {number},{label}")
    file.write_text("\n".join(lines) + "\n")


def command(file: Path, out: Path, trials: int, *more: str) -> list[str]:
    line = [sys.executable, "-m", "longshort", "tune", str(file), "--task", "classify", "-q"]
    line += ["--search", "model.hidden=16..64", "train.learning_rate=1e-3..3e-2", "--trials"]
    return [
        *line,
        str(trials),
        "--set",
        "train.max_epochs=9",
        "--set",
        "split.val=0.25",
        "--out",
        str(out),
        *more,
    ]


def timed(file: Path, out: Path, workers: int, trials: int) -> float:
    """Return the seconds of a whole study, from the command to the page."""
    begin = time.monotonic()
    line = command(file, out, trials, "--workers", str(workers))
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def killed(file: Path, folder: Path, after: int, trials: int) -> Row:
    """Kill a worker after so many results, go on, and compare with the study of one worker."""
    out = folder / f"killed-{after}"
    process = subprocess.Popen(command(file, out, trials), stdout=subprocess.DEVNULL)
    while not (out / "study.toml").is_file() or len(Study.open(out).results()) < after:
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = Study.open(out).results()
    join(out)
    now, whole = Study.open(out).results(), Study.open(folder / "with-1").results()
    kept = sum(now[key].score == each.score for key, each in before.items())
    same = all(whole[key].score == each.score for key, each in now.items())
    return {"after": after, "results_before": len(before), "kept": kept, "same_as_unkilled": same}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    folder = os.environ.get("LONGSHORT_DATA")
    if not folder or not Path(folder).is_dir():
        sys.exit("set LONGSHORT_DATA to the folder of data sets")
    parts = {"units": part_units, "autolstm": part_autolstm, "workers": part_workers}
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in asked.parts:
        found = parts[name](Path(folder), asked.quick)
        known[name] = {"quick": asked.quick, **found, "environment": environment()}
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Tuning beside what it replaces: the exhaustive grid, AutoLSTM, and one worker.

    LONGSHORT_DATA=FOLDER python benchmarks/tune.py [--parts units autolstm workers] [--quick]

units: the ladder of sizes beside the grid of all its trials in full, on 20 small tasks
(tune_units.py). Right is an answer whose loss in the grid is within one standard error of the best.
autolstm: searches beside AutoLSTM of NeuralForecast (10 samples, at most 16 horizons read) in no
more processor time, on six sets of series, by the MAE of the same test windows; ours once with its
loss and once with our default. Not run where it is missing. A set takes 10 to 25 minutes of one
processor; each is saved when it ends.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from tune_units import part_units

from longshort.runs.job import environment
from longshort.tuning.story import join, tune
from longshort.tuning.study import Study

RESULTS = Path(__file__).parent / "results" / "tune.json"
PARTS = ("units", "autolstm", "workers")
LOSSES = ("mae", "mse")
"""AutoLSTM's, which is also what is compared, and our own default."""
Row = dict[str, Any]


# AutoLSTM


def part_autolstm(data: Path, quick: bool) -> Iterator[Row]:
    """Yield what is known after each set."""
    if importlib.util.find_spec("neuralforecast") is None:
        print("autolstm: not run: NeuralForecast is not installed (pip install 'longshort[bench]')")
        yield {"not_run": "NeuralForecast is not installed"}
        return
    sets = series_sets(data)
    rows: list[Row] = []
    for each in sets[:1] if quick else sets:
        rows.append(autolstm_of(*each, quick))
        yield {"won": won_of(rows), "of": len(rows), "sets": rows}
    print(f"autolstm: lower MAE, by loss, {won_of(rows)} of {len(rows)} sets; goal: 4 of 6")


def won_of(rows: list[Row]) -> dict[str, int]:
    """Count the sets on which our MAE is lower, by the loss that was learned by."""
    return {loss: sum(r[loss]["mae"] < r["autolstm_mae"] for r in rows) for loss in LOSSES}


def series_sets(data: Path) -> list[tuple[str, pl.DataFrame, int, int]]:
    """Six sets: name, long table of unique_id, ds, y, horizon and test steps.

    The series are short, since the price is AutoLSTM's.
    """
    etth = pl.read_csv(data / "ett" / "ETTh1.csv")
    speed = pl.read_csv(data / "los_loop" / "los_speed.csv")
    columns = {"ETTh1 OT": etth["OT"][:1300], "ETTh1 MUFL": etth["MUFL"][:1300]}
    columns |= {"road": speed[:1300, 0], "road far": speed[:1300, 20]}
    sets = [(name, long_table({name: values}), 6, 240) for name, values in columns.items()]
    sets.append(("ETTh1 loads", long_table({n: etth[n][:1100] for n in etth.columns[1:7]}), 6, 120))
    roads = {speed.columns[i]: speed[:, i][:1100] for i in range(0, 50, 5)}
    return [*sets, ("ten roads", long_table(roads), 6, 120)]


def long_table(columns: dict[str, Any]) -> pl.DataFrame:
    parts = []
    for name, values in columns.items():
        start, hour = np.datetime64("2020-01-01T00", "us"), np.timedelta64(1, "h")
        stamps = start + np.arange(len(values)) * hour
        parts.append(pl.DataFrame({"unique_id": name, "ds": stamps, "y": values.cast(pl.Float64)}))
    return pl.concat(parts)


def autolstm_of(name: str, table: pl.DataFrame, horizon: int, test: int, quick: bool) -> Row:
    """Time AutoLSTM, then search no longer; both forecast from every origin of the test steps."""
    begin = time.process_time()
    theirs = autolstm_mae(table, horizon, test, 1 if quick else 10)
    budget = time.process_time() - begin
    row: Row = {"set": name, "autolstm_mae": theirs, "autolstm_seconds": budget}
    for loss in LOSSES:
        row[loss] = searched(table, horizon, test, budget, loss)
    ours = {loss: f"{row[loss]['mae']:.4g}" for loss in LOSSES}
    print(f"  {name}: MAE by loss {ours}, AutoLSTM {theirs:.4g} in {budget:.0f} s", flush=True)
    return row


def searched(table: pl.DataFrame, horizon: int, test: int, budget: float, loss: str) -> Row:
    """Make up to four searches within the budget, and score the best by validation.

    Seconds of the processor. A search whose like would not fit any more is not begun.
    """
    settings: Row = {"task": "forecast", "data": {"time": "ds", "target": "y"}}
    settings |= {"model": {"horizon": horizon}, "split": {"val": test, "test": test}}
    settings |= {"train": {"threads": 1, "loss": loss}}
    if table["unique_id"].n_unique() > 1:
        settings["data"]["group"] = "unique_id"
    else:
        table = table.drop("unique_id")
    space = {
        "model.hidden": "16..128",
        "train.learning_rate": "3e-4..3e-2",
        "model.context_length": [4 * horizon, 8 * horizon, 16 * horizon],
        "model.dropout": [0.0, 0.1, 0.3],
    }
    begin, all_found = time.process_time(), []
    for seed in range(4):
        spent = time.process_time() - begin
        if seed and spent + spent / seed > budget:
            break
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "study"
            all_found.append(tune(settings, out, data=table, search=space, trials=6, seed=seed))
    best = min(
        all_found, key=lambda each: min(r["validation"] for r in each["rows"] if r["validation"])
    )
    return {
        "mae": best["test"]["model"]["mae"],
        "baselines_mae": {k: v["mae"] for k, v in best["test"]["baselines"].items()},
        "settings": best["settings"],
        "seconds": time.process_time() - begin,
        "searches": len(all_found),
    }


def autolstm_mae(table: pl.DataFrame, horizon: int, test: int, samples: int) -> float:
    """Return the MAE of AutoLSTM over all origins of the last `test` steps.

    Its ranges are its own, but for inputs of 64 horizons and of whole series: with them a search
    takes an hour of one core, and ours tries no such inputs either.
    """
    from neuralforecast import NeuralForecast
    from neuralforecast.auto import AutoLSTM

    AutoLSTM.default_config = {**AutoLSTM.default_config, "input_size_multiplier": [4, 16]}
    # Its Optuna backend starts faster than its Ray one, and has the same default ranges.
    model = AutoLSTM(h=horizon, num_samples=samples, backend="optuna")
    found = NeuralForecast(models=[model], freq="h").cross_validation(
        df=table.to_pandas(), val_size=test, test_size=test, n_windows=None, step_size=1
    )
    return float((found["y"] - found["AutoLSTM"]).abs().mean())


# Workers


def part_workers(_data: Path, quick: bool) -> Row:
    """Time a short and a longer study with one and with two workers, and kill one three times."""
    trials, found = 6 if quick else 24, {}
    with tempfile.TemporaryDirectory() as name:
        for size, rows in (("short", 300),) if quick else (("short", 2_000), ("longer", 8_000)):
            folder = Path(name) / size
            folder.mkdir()
            write_texts(folder / "marks.csv", rows)
            found[size] = workers_of(folder, trials)
            print(f"{size}: two workers make {found[size]['gain']:.2f} times the trials of one")
        short = Path(name) / "short"
        lost = [killed(short, after, trials) for after in ((2,) if quick else (2, 9, 20))]
    print(f"goal: 1.7; kill -9: {lost}")
    return {**found, "processors": os.cpu_count(), "killed": lost}


def workers_of(folder: Path, trials: int) -> Row:
    """Seconds of a study by number of workers."""
    file = folder / "marks.csv"
    seconds = {n: timed(file, folder / f"with-{n}", n, trials) for n in (1, 2)}
    return {"seconds": seconds, "gain": seconds[1] / seconds[2]}


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


def killed(folder: Path, after: int, trials: int) -> Row:
    """Kill a worker after so many results, go on, and compare with the study of one worker."""
    out = folder / f"killed-{after}"
    process = subprocess.Popen(
        command(folder / "marks.csv", out, trials), stdout=subprocess.DEVNULL
    )
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
    parts: dict[str, Callable[[Path, bool], Iterator[Row]]] = {
        "units": lambda *given: iter([part_units(*given)]),
        "autolstm": part_autolstm,
        "workers": lambda *given: iter([part_workers(*given)]),
    }
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in asked.parts:
        for found in parts[name](Path(folder), asked.quick):
            known[name] = {"quick": asked.quick, **found, "environment": environment()}
            RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()

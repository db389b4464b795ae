"""Forecasting on public data beside baselines: accuracy over seeds, and times.

Run with LONGSHORT_DATA set to the folder of data sets:

    python benchmarks/forecasting.py [--only ett24 ot m4 …] [--seeds 3]

Baselines measured in the same run are last value, seasonal naive, drift, the closed-form linear
model (shared, and per column), and NeuralForecast's LSTM and NLinear if that package is installed.
Published numbers are marked as such. Results and the environment are written to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

import longshort as ls
from longshort.config import assign
from longshort.runs import story
from longshort.runs.job import Job, environment
from longshort.runs.task import quiet, untracked
from longshort.tasks.forecast.windows import Windows

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]

ETT = {"data.target": "all", "split.val": 2880, "split.test": 2880, "model.season": 24}
ETT_CONTEXT = 336
PUBLISHED_ETT = {
    24: {"LSTMa": 0.650, "Informer": 0.577},
    48: {"LSTMa": 0.702},
    96: {"NLinear (context 336)": 0.374, "DLinear (context 336)": 0.375},
    168: {"LSTMa": 1.212},
}


def data_folder() -> Path:
    folder = os.environ.get("LONGSHORT_DATA")
    if not folder or not Path(folder).is_dir():
        sys.exit("set LONGSHORT_DATA to the folder of data sets")
    return Path(folder)


def nested(dotted: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, value in dotted.items():
        assign(settings, key, value)
    return settings


def etth1() -> pl.DataFrame:
    """Return the 20 months of the standard split."""
    frame = pl.read_csv(data_folder() / "ett" / "ETTh1.csv", try_parse_dates=True)
    return frame.head(14_400)


def trained(frame: pl.DataFrame, dotted: dict[str, Any], seed: int) -> tuple[Row, Path]:
    """Run the library from data to report; returns scores with wall-clock time, and the folder."""
    out = Path(tempfile.mkdtemp()) / "run"
    begin = time.perf_counter()
    settings = nested({**dotted, "train.seed": seed})
    scores = story.run(settings, out, data=frame)
    return {**scores, "seconds": time.perf_counter() - begin}, out


def over_seeds(
    name: str,
    frame: pl.DataFrame,
    dotted: dict[str, Any],
    seeds: int,
    measure: Callable[[Row, Path], dict[str, float]],
) -> list[Row]:
    """Return our model's results over seeds, and the baselines' from the first run's scores."""
    runs = [trained(frame, dotted, seed) for seed in range(seeds)]
    found = [{**measure(scores, out), "seconds": scores["seconds"]} for scores, out in runs]
    summary = {key: spread([f[key] for f in found]) for key in found[0]}
    return [
        {
            "name": name,
            "kind": "ours",
            **summary,
            "settings": dotted,
            "seeds": seeds,
            "best_epochs": [s["training"]["best_epoch"] for s, _ in runs],
            "verdict": runs[0][0]["verdict"],
        },
        *(
            {"name": baseline, "kind": "measured", **{k: spread([v]) for k, v in values.items()}}
            for baseline, values in baselines(runs[0][0], tuple(found[0])).items()
        ),
    ]


def baselines(scores: Row, keys: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {
        name: {key: entry[key] for key in keys if key in entry}
        for name, entry in scores["test"]["baselines"].items()
    }


def spread(values: list[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(values), "std": statistics.pstdev(values)}


def published(values: dict[str, float], key: str) -> list[Row]:
    return [
        {"name": name, "kind": "published", key: {"mean": value, "std": 0.0}}
        for name, value in values.items()
    ]


def ett(horizon: int, seeds: int) -> list[Row]:
    """ETTh1, seven columns, z-scored MSE and MAE over all stride-1 test windows."""
    frame = etth1()
    dotted = {**ETT, "model.horizon": horizon, "model.context_length": ETT_CONTEXT}

    def measure(scores: Row, _: Path) -> dict[str, float]:
        model = scores["test"]["model"]
        return {"scaled_mse": model["scaled_mse"], "scaled_mae": model["scaled_mae"]}

    rows = over_seeds("longshort LSTM", frame, dotted, seeds, measure)
    alone = {"scaled_mse": spread([linear_per_column(frame, dotted)])}
    rows.append({"name": "linear, a map per column", "kind": "measured", **alone})
    return rows + published(PUBLISHED_ETT.get(horizon, {}), "scaled_mse")


def linear_per_column(frame: pl.DataFrame, dotted: dict[str, Any]) -> float:
    """Return the error of the linear baseline fitted to each column separately."""
    errors = []
    for column in frame.columns[1:]:
        settings = nested({**dotted, "data.target": column})
        job = Job(story.prepare(settings, frame.select("date", column)), quiet)
        job.fit_rest(quiet, untracked)
        guesses = job.task.baselines(job.model, job.encoded, {}, untracked)
        errors.append(float(np.nanmean(guesses["linear"].prediction.losses(absolute=False))))
    return statistics.fmean(errors)


def ot(seeds: int) -> list[Row]:
    """ETTh1's OT alone, context 96, horizon 24; NeuralForecast in the same run."""
    frame = etth1().select("date", "OT")
    dotted = {
        **ETT,
        "data.target": "OT",
        "model.horizon": 24,
        "model.context_length": 96,
        "model.patch": 12,
        "data.calendar": [],
    }

    def measure(scores: Row, _: Path) -> dict[str, float]:
        model = scores["test"]["model"]
        return {"scaled_mse": model["scaled_mse"], "scaled_mae": model["scaled_mae"]}

    rows = over_seeds("longshort LSTM", frame, dotted, seeds, measure)
    bare = {**dotted, "model.linear": False}
    rows += over_seeds("longshort LSTM, no linear path", frame, bare, seeds, measure)[:1]
    return rows + neuralforecast_rows(frame, seeds)


def neuralforecast_rows(frame: pl.DataFrame, seeds: int) -> list[Row]:
    try:
        from neuralforecast import NeuralForecast
        from neuralforecast.models import LSTM, NLinear
    except ImportError:
        print("neuralforecast is not installed: its rows are left out")
        return []
    import logging
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    values = frame["OT"].to_numpy()
    train = values[:8640]
    scaled = (values - train.mean()) / train.std()
    table = pd.DataFrame({"unique_id": "OT", "ds": frame["date"].to_numpy(), "y": scaled})
    quiet = {
        "enable_progress_bar": False,
        "logger": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    makers: dict[str, Callable[[int], Any]] = {
        "NeuralForecast LSTM": lambda seed: LSTM(
            h=24,
            input_size=96,
            max_steps=300,
            windows_batch_size=128,
            random_seed=seed,
            encoder_hidden_size=128,
            scaler_type="identity",
            **quiet,
        ),
        "NeuralForecast NLinear": lambda seed: NLinear(
            h=24,
            input_size=96,
            max_steps=300,
            windows_batch_size=128,
            random_seed=seed,
            scaler_type="identity",
            **quiet,
        ),
    }
    rows = []
    for name, make in makers.items():
        errors, seconds = [], []
        for seed in range(1, seeds + 1):
            begin = time.perf_counter()
            forecast = NeuralForecast(models=[make(seed)], freq="h").cross_validation(
                table, val_size=2880, test_size=2880, n_windows=None, step_size=1
            )
            seconds.append(time.perf_counter() - begin)
            errors.append(float(((forecast[name.split()[1]] - forecast["y"]) ** 2).mean()))
        rows.append(
            {
                "name": name,
                "kind": "measured",
                "scaled_mse": spread(errors),
                "seconds": spread(seconds),
                "seeds": seeds,
                "settings": "300 steps of 128 windows, context 96, LSTM of 128 units",
            }
        )
    return rows


def m4_hourly() -> pl.DataFrame:
    """414 series in long format; the official test follows each official train."""
    folder = data_folder() / "m4"
    rows: list[tuple[str, int, float]] = []
    with (folder / "Hourly-train.csv").open() as train, (folder / "Hourly-test.csv").open() as test:
        for past, future in zip(
            list(csv.reader(train))[1:], list(csv.reader(test))[1:], strict=True
        ):
            assert past[0] == future[0]
            values = [float(cell) for cell in past[1:] + future[1:] if cell]
            rows += [(past[0], t, value) for t, value in enumerate(values)]
    return pl.DataFrame(rows, schema=["id", "t", "y"], orient="row")


M4 = {
    "data.time": "t",
    "data.group": "id",
    "data.target": "y",
    "split.by": "series",
    "split.test": 48,
    "split.val": 48,
    "model.horizon": 48,
    "model.context_length": 336,
    "model.season": 24,
    "model.patch": 24,
    "model.hidden": 64,
    "model.dropout": 0.1,
    "model.instance_norm": "centre",
    "transform.scale": "none",
    "transform.log1p": True,
    "train.batch_size": 128,
    "train.steps_per_epoch": 450,
    "train.max_epochs": 10,
    "train.learning_rate": 0.005,
}


def m4(seeds: int) -> list[Row]:
    """M4 Hourly, official test and official measures, computed here from the forecasts."""
    frame = m4_hourly()
    history = {key[0]: part["y"].to_numpy()[:-48] for key, part in frame.group_by("id")}

    def official(table: pl.DataFrame, column: str) -> dict[str, float]:
        mases, smapes = [], []
        for key, part in table.group_by("id"):
            truth, guess = part["y"].to_numpy(), part[column].to_numpy()
            past = history[str(key[0])]
            assert len(truth) == 48
            scale = np.mean(np.abs(past[24:] - past[:-24]))
            mases.append(np.mean(np.abs(truth - guess)) / scale)
            smapes.append(200 * np.mean(np.abs(truth - guess) / (np.abs(truth) + np.abs(guess))))
        assert len(mases) == 414
        return {"mase": float(np.mean(mases)), "smape": float(np.mean(smapes))}

    def measure(_: Row, out: Path) -> dict[str, float]:
        return official(pl.read_csv(out / "predictions.csv"), "yhat")

    rows: list[Row] = []
    for loss in ("mase", "mae"):
        runs = [trained(frame, {**M4, "train.loss": loss}, seed) for seed in range(seeds)]
        found = [{**measure(*run), "seconds": run[0]["seconds"]} for run in runs]
        rows.append(
            {
                "name": f"longshort LSTM, {loss} loss",
                "kind": "ours",
                "seeds": seeds,
                **{key: spread([f[key] for f in found]) for key in found[0]},
                "settings": {**M4, "train.loss": loss},
            }
        )
    table = pl.read_csv(runs[0][1] / "predictions.csv")
    for baseline in ("linear", "seasonal_naive", "last_value"):
        values = official(table, baseline)
        rows.append(
            {
                "name": baseline,
                "kind": "measured",
                **{key: spread([value]) for key, value in values.items()},
            }
        )
    for name, mase, smape in (("ES-RNN (from memory)", 0.89, 9.33), ("Naive2", 2.40, 18.4)):
        rows.append(
            {"name": name, "kind": "published", "mase": spread([mase]), "smape": spread([smape])}
        )
    return rows


LOS = {
    "data.target": "all",
    "split.test": 404,
    "split.val": 242,
    "model.horizon": 3,
    "model.context_length": 12,
    "model.season": 1,
    "model.patch": 1,
    "model.channels": "linked",
    "model.rank": 16,
    "model.embedding": 8,
    "model.hidden": 32,
    "model.linear": False,
    "transform.per": "global",
    "train.batch_size": 32,
    "train.learning_rate": 0.005,
    "train.weight_decay": 0.01,
    "train.max_epochs": 6,
}


def los(seeds: int) -> list[Row]:
    """Los-loop: 207 road sensors, 12 steps in, 3 out, last fifth as test, in the data's unit."""
    frame = pl.read_csv(data_folder() / "los_loop" / "los_speed.csv")

    def measure(scores: Row, _: Path) -> dict[str, float]:
        return {"rmse": scores["test"]["model"]["rmse"], "mae": scores["test"]["model"]["mae"]}

    rows = over_seeds("longshort LSTM, linked", frame, LOS, seeds, measure)
    return rows + published({"T-GCN": 5.126, "GRU (from memory)": 5.218}, "rmse")


def job(seeds: int) -> list[Row]:
    """The whole ETTh1 job at horizon 24, from CSV to report, and the time of --help."""
    path = data_folder() / "ett" / "ETTh1.csv"
    command = [sys.executable, "-m", "longshort"]
    arguments = ["run", str(path), "--target", "all", "--horizon", "24", "--quiet"]
    walls, helps = [], []
    for _ in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            walls.append(wall([*command, *arguments, "--out", f"{folder}/run"]))
    for _ in range(9):
        helps.append(wall([*command, "--help"]))
    return [
        {"name": "CSV to report, ETTh1 h24", "kind": "ours", "seconds": spread(walls)},
        {
            "name": "longshort --help",
            "kind": "ours",
            "seconds": {"mean": statistics.median(helps), "std": statistics.pstdev(helps)},
        },
    ]


def wall(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def pipeline(_: int) -> list[Row]:
    """Windows per second that the reader gathers, and that training consumes."""
    settings = nested({**ETT, "model.horizon": 24, "model.context_length": ETT_CONTEXT})
    job = Job(story.prepare(settings, etth1()), quiet)
    learning, size = job.training.learning, job.training.plan.batch_size
    windows: Windows = job.encoded["train"].arrays
    optimizer = torch.optim.AdamW(learning.module.parameters())
    draw = torch.Generator().manual_seed(0)

    def batches() -> Iterator[torch.Tensor]:
        while True:
            yield torch.randint(len(windows), (size,), generator=draw)

    source = batches()

    def learn() -> None:
        loss = learning.loss(next(source))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def read() -> None:
        windows.reader.gather(windows.origins[next(source).numpy()])

    rates: dict[str, list[float]] = {"read": [], "learn": []}
    for _ in range(7):
        for name, act, count in (("read", read, 200), ("learn", learn, 20)):
            begin = time.perf_counter()
            for _ in range(count):
                act()
            rates[name].append(count * size / (time.perf_counter() - begin))
    ratio = statistics.median(r / w for r, w in zip(rates["read"], rates["learn"], strict=True))
    return [
        {"name": "windows gathered per second", "kind": "ours", "rate": spread(rates["read"])},
        {"name": "windows learned per second", "kind": "ours", "rate": spread(rates["learn"])},
        {"name": "gathered over learned", "kind": "ours", "rate": spread([ratio])},
    ]


JOBS: dict[str, Callable[[int], list[Row]]] = {
    **{f"ett{h}": lambda seeds, h=h: ett(h, seeds) for h in (24, 48, 96, 168)},
    "ot": ot,
    "m4": m4,
    "los": los,
    "job": job,
    "pipeline": pipeline,
}


def show(name: str, rows: list[Row]) -> None:
    title = (JOBS[name].__doc__ or ett.__doc__ or "").split("\n")[0]
    print(f"\n{name}: {title}")
    keys = [
        k
        for k in ("scaled_mse", "scaled_mae", "mase", "smape", "rmse", "mae", "rate", "seconds")
        if any(k in row for row in rows)
    ]
    print(f"{'':34}{'':11}" + "".join(f"{key:>22}" for key in keys))
    for row in rows:
        cells = [f"{row[k]['mean']:.4g} ± {row[k]['std']:.2g}" if k in row else "" for k in keys]
        print(
            f"{row['name']:34}{row['kind']:11}" + "".join(f"{cell:>22}" for cell in cells),
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "forecasting.json")
    chosen = parser.parse_args()
    known = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for name in chosen.only:
        rows = JOBS[name](chosen.seeds)
        show(name, rows)
        about = environment() | {"date": time.strftime("%Y-%m-%d")}
        known[name] = {"rows": rows, "environment": about}
        chosen.out.write_text(json.dumps(known, indent=1) + "\n")
    print(f"\nlongshort {ls.__version__}; written to {chosen.out}")


if __name__ == "__main__":
    main()

"""Rain radar: the next half hour of an event, learned from another one.

    LONGSHORT_DATA=FOLDER python benchmarks/signals_radar.py [--quick]

Two events of the Finnish Meteorological Institute, 40 frames each, one every 5 minutes, 306 x 190
places of 4 km. Learned from 28 September 2016 (its end chooses the weights), scored on 9 May 2017:
30 minutes are read, 30 forecast. Errors are mean squared ones of value / 255, after 5, 15 and 30
minutes over all places, those without data as 0, and critical success indices of values above 65
(0.5 dBZ), 79 and 93; dBZ = value / 2 - 32.
The mean image is that of the training event, and beside it that of the test event itself, which no
forecaster can know. Results go to benchmarks/results/signals_radar.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from longshort.runs import story
from longshort.runs.job import environment
from longshort.train.events import EpochEnded, Event

RESULTS = Path(__file__).parent / "results" / "signals_radar.json"
TRAIN, TEST = "fmi_20160928.npz", "fmi_20170509.npz"
MISSING, LEADS = 255, {"5 min": 0, "15 min": 2, "30 min": 5}
SETTINGS: dict[str, Any] = {
    "task": "frames",
    "model": {"inputs": 6, "outputs": 6, "patch": 4, "scales": 2, "hidden": 24, "base": "moved"},
    "train": {
        "loss": "mse",
        "crop": 96,
        "flips": True,
        "batch_size": 4,
        "learning_rate": 0.004,
        "max_epochs": 120,
        "patience": 120,
        "threads": 1,
    },
    "evaluate": {"thresholds": [65, 79, 93]},
}


def own_mean(data: Path) -> float:
    """Squared error of the test event's own mean image, over the frames that are forecast."""
    with np.load(data / "radar" / TEST) as file:
        frames = file["frames"].astype(np.float64)
    frames[frames == MISSING] = 0
    frames /= 255
    return float(np.square(frames - frames.mean(0)).mean())


def changed(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with changes by dotted key."""
    found = {
        name: dict(each) if isinstance(each, dict) else each for name, each in settings.items()
    }
    for key, value in changes.items():
        table, name = key.split(".")
        found[table][name] = value
    return found


def told(event: Event) -> None:
    """Print every tenth epoch."""
    if isinstance(event, EpochEnded) and event.record["epoch"] % 10 == 0:
        print(event.record, flush=True)


def part(data: Path, quick: bool, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Train on one event and score on the other, beside the baselines."""
    settings = changed(SETTINGS, changes or {})
    settings["data"] = {
        "path": str(data / "radar" / TRAIN),
        "test_path": str(data / "radar" / TEST),
        "missing": MISSING,
    }
    if quick:
        settings["train"]["max_epochs"] = 1
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        scores = story.run(settings, Path(folder) / "run", say=print, listen=told)
    test = scores["test"]
    pixels = test["model"]["mse"] / test["model"]["mean_mse"]
    errors = {
        name: {lead: each["by_frame"]["mse"][at] / pixels for lead, at in LEADS.items()}
        for name, each in {"model": test["model"], **test["baselines"]}.items()
    }
    errors["mean image of the test event"] = dict.fromkeys(LEADS, own_mean(data))
    return {
        "settings": settings | {"data": {"train": TRAIN, "test": TEST, "missing": MISSING}},
        "processor_seconds": time.process_time() - begin,
        "mean_squared_error": errors,
        "scores": scores,
    }


def measure(data: Path) -> dict[str, Any]:
    """Measure in full, for `signals.py`."""
    return part(data, quick=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="for trials"
    )
    given = parser.parse_args()
    changes = {key: json.loads(value) for key, value in (each.split("=", 1) for each in given.set)}
    found = part(Path(os.environ["LONGSHORT_DATA"]), given.quick, changes)
    for name, errors in found["mean_squared_error"].items():
        print(f"{name:30}", {lead: f"{value:.4f}" for lead, value in errors.items()})
    print(found["scores"]["verdict"], f"{found['processor_seconds']:.0f} s")
    if not given.quick and not changes:
        RESULTS.write_text(json.dumps({**found, "environment": environment()}, indent=1) + "\n")


if __name__ == "__main__":
    main()

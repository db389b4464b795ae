"""Spoken digits (FSDD): known speakers, each speaker left out, and who of six speaks.

    python benchmarks/signals_fsdd.py [--quick] [--out FILE]

The free spoken digit dataset has 3,000 recordings of ten digits by six speakers, at 8 kHz. Three
questions: the official split, where recordings 0 to 4 of each digit and speaker are tested; every
speaker left out in turn; and the speaker instead of the digit, by the official split. Baselines
stand beside the model in each run: the nearest training recording by time warping of MFCC,
logistic regression on means and deviations of MFCC, fixed convolutions with ridge regression. The
settings of digits are the defaults, which were chosen with two speakers left out (lucas, nicolas)
on a part of the others: their two rows flatter, and the mean of the other four stands beside.
LONGSHORT_DATA names the folder of the data.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from longshort.runs import story
from longshort.runs.job import environment

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
CHOSEN_ON = ("lucas", "nicolas")
GOALS = {"official": 0.993, "left_out": 0.95, "speaker": 0.99}
_TESTED = 5
_OF_VOICES: dict[str, Any] = {"audio": {"normalise": "none"}, "vary": {"speeds": [1.0]}}
"""Settings by which voices differ: the mean spectrum is kept, and no recording is played faster."""
Rows = list[dict[str, str]]


def part(data: Path, quick: bool) -> dict[str, Any]:
    """Return the scores of all questions; quick: one speaker, few recordings and epochs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tarfile.open(data / "fsdd" / "fsdd_recordings.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        rows = _rows(folder)
        if quick:
            rows = rows[::8]
        known, tested = _official(rows)
        found: dict[str, Any] = {"goals": GOALS, "recordings": len(rows)}
        found["official"] = _run(folder, "digit", known, tested, quick)
        found["speaker"] = _run(folder, "speaker", known, tested, quick)
        found["left_out"] = {
            speaker: _run(
                folder,
                "digit",
                [row for row in rows if row["speaker"] != speaker],
                [row for row in rows if row["speaker"] == speaker],
                quick,
            )
            for speaker in (SPEAKERS[:1] if quick else SPEAKERS)
        }
    found["left_out_mean"] = _means(found["left_out"], list(found["left_out"]))
    others = [each for each in found["left_out"] if each not in CHOSEN_ON]
    found["left_out_mean_of_others"] = _means(found["left_out"], others)
    return found


def _rows(folder: Path) -> Rows:
    found = []
    for path in sorted(folder.rglob("*.wav")):
        digit, speaker, number = path.stem.split("_")
        name = str(path.relative_to(folder))
        found.append({"file": name, "digit": digit, "speaker": speaker, "number": number})
    return found


def _official(rows: Rows) -> tuple[Rows, Rows]:
    tested = [row for row in rows if int(row["number"]) < _TESTED]
    return [row for row in rows if int(row["number"]) >= _TESTED], tested


def _run(folder: Path, label: str, train: Rows, test: Rows, quick: bool) -> dict[str, Any]:
    """Return accuracies of model and baselines, the verdict, and processor seconds."""
    for name, rows in (("train", train), ("test", test)):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    settings: dict[str, Any] = {
        "task": "classify",
        "data": {
            "path": str(folder / "train.csv"),
            "test_path": str(folder / "test.csv"),
            "label": label,
        },
        "split": {"val": 0.0},
        **(_OF_VOICES if label == "speaker" else {}),
        "train": {"threads": 1, **({"max_epochs": 1} if quick else {})},
    }
    begin = time.process_time()
    scores = story.run(settings, folder / "run", overwrite=True)
    test_scores = scores["test"]
    accuracies = {"model": test_scores["model"], **test_scores["baselines"]}
    print(f"{label}, {len(test):,} tested: {scores['verdict']}", flush=True)
    return {
        "accuracy": {name: each["accuracy"] for name, each in accuracies.items()},
        "examples": scores["examples"],
        "verdict": scores["verdict"],
        "cpu_seconds": time.process_time() - begin,
    }


def _means(found: dict[str, Any], names: list[str]) -> dict[str, float]:
    if not names:
        return {}
    methods = found[names[0]]["accuracy"]
    return {
        method: sum(found[name]["accuracy"][method] for name in names) / len(names)
        for method in methods
    }


def _print(found: dict[str, Any]) -> None:
    rows = {"official split": found["official"]["accuracy"]}
    rows |= {f"without {who}": each["accuracy"] for who, each in found["left_out"].items()}
    rows["mean, left out"] = found["left_out_mean"]
    rows["mean of the other four"] = found["left_out_mean_of_others"]
    rows["speaker of six"] = found["speaker"]["accuracy"]
    methods = list(found["official"]["accuracy"])
    print(f"{'':24}" + "".join(f"{name:>14}" for name in methods))
    for name, values in rows.items():
        print(f"{name:24}" + "".join(f"{values.get(m, float('nan')):14.2%}" for m in methods))


def measure(data: Path) -> dict[str, Any]:
    """Measure in full, for `signals.py`."""
    return part(data, quick=False)


def main() -> None:
    """Run, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/signals_fsdd.json"))
    arguments = parser.parse_args()
    found = part(Path(os.environ["LONGSHORT_DATA"]), arguments.quick)
    _print(found)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"environment": environment(), **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()

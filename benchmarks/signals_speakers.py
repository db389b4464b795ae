"""Speakers nobody has learned: pairs of recordings of LibriSpeech, 6 s and 1.6 s.

    python benchmarks/signals_speakers.py [--quick] [--out FILE]

251 training speakers with one recording of 8 s each (train-clean-100), 10 test speakers with 10
recordings of 6 s each (test-other), all 4,950 pairs. The recordings of a test speaker are of one
chapter, so of one room and microphone: this flatters every method that hears them, above all those
on unnormalised spectra. Baselines: the angle between standardised means and deviations of MFCC, and
mixtures of Gaussians adapted to each voice. The settings are the defaults; they were chosen by
crops of 50 training speakers held out. LONGSHORT_DATA names the folder of the data.
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

GOAL = 0.035
_KEYS = ("eer", "min_dcf", "eer_short", "identified")


def part(data: Path, quick: bool) -> dict[str, Any]:
    """Return the scores of the run and of its baselines; quick: few steps."""
    source = data / "librispeech_speakers"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tarfile.open(source / "audio_opus.tar") as archive:
            archive.extractall(folder, filter="data")
        places = {path.name: str(path.relative_to(folder)) for path in folder.rglob("*.ogg")}
        with (source / "index.tsv").open() as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        for split in ("train", "test"):
            lines = ["file\tspeaker"]
            lines += [f"{places[r['file']]}\t{r['speaker']}" for r in rows if r["part"] == split]
            (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
        settings: dict[str, Any] = {
            "task": "speaker",
            "data": {"path": str(folder / "train.tsv"), "test_path": str(folder / "test.tsv")},
            "train": {"threads": 1, **({"max_epochs": 1, "steps_per_epoch": 10} if quick else {})},
        }
        begin = time.process_time()
        scores = story.run(settings, folder / "run")
        seconds = time.process_time() - begin
    test = {"model": scores["test"]["model"], **scores["test"]["baselines"]}
    return {
        "goal": {"eer": GOAL},
        "test": {name: {key: each[key] for key in _KEYS} for name, each in test.items()},
        **{key: scores[key] for key in ("recordings", "speakers", "trials", "at_threshold")},
        "verdict": scores["verdict"],
        "notes": scores["notes"],
        "cpu_seconds": seconds,
    }


def _print(found: dict[str, Any]) -> None:
    print(f"{'':12}" + "".join(f"{key:>12}" for key in _KEYS))
    for name, each in found["test"].items():
        print(f"{name:12}" + "".join(f"{each[key]:12.4f}" for key in _KEYS))
    print(found["verdict"])


def measure(data: Path) -> dict[str, Any]:
    """Measure in full, for `signals.py`."""
    return part(data, quick=False)


def main() -> None:
    """Run, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/signals_speakers.json")
    )
    arguments = parser.parse_args()
    found = part(Path(os.environ["LONGSHORT_DATA"]), arguments.quick)
    _print(found)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"environment": environment(), **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Classifiers of small public data, as the command trains them by default.

    LONGSHORT_DATA=FOLDER python benchmarks/small.py [--sets UMD sst2 …]

Each set is one run on its official splits (seed 0; for texts without official splits a fifth is
drawn for the test). The test split is scored once, beside every baseline. Results of sets that are
not chosen stay in the file. Other processes do not affect scores, but they affect times.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from longshort.runs import story
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "small.json"
SERIES = (
    "Beef",
    "CBF",
    "Car",
    "Chinatown",
    "ECG200",
    "FaceFour",
    "Fish",
    "Lightning7",
    "MoteStrain",
    "Plane",
    "SonyAIBORobotSurface1",
    "SwedishLeaf",
    "ToeSegmentation1",
    "Trace",
    "TwoLeadECG",
    "UMD",
)
CHANNELS = ("BasicMotions", "JapaneseVowels")
TEXTS = ("sst2", "cells", "hotel")


def settings_of(name: str, data: Path, scratch: Path) -> dict[str, Any]:
    """Return the settings of a run: the files of the splits, and nothing else."""
    if name == "sst2":
        parts = {part: data / "sst2" / f"stsa.binary.{part}" for part in ("train", "dev", "test")}
        return given(parts["train"], parts["test"], parts["dev"])
    if name == "hotel":
        return given(data / "chn_hotel" / "ChnSentiCorp_htl_all.csv", None)
    if name == "cells":
        return given(cells(data, scratch), None)
    if name in CHANNELS:
        train, test = (data / "ucr" / f"{name}_{part}.ts" for part in ("TRAIN", "TEST"))
        return given(train, test)
    train, test = (series(name, part, data, scratch) for part in ("TRAIN", "TEST"))
    return given(train, test)


def given(train: Path, test: Path | None, val: Path | None = None) -> dict[str, Any]:
    files = {"path": train, "test_path": test, "val_path": val}
    split = {"split": {"test": 0.2}} if test is None else {}
    found = {key: str(path) for key, path in files.items() if path is not None}
    return {"task": "classify", "data": found, **split}


def series(name: str, part: str, data: Path, scratch: Path) -> Path:
    """Convert a file of the archive, label first, to arrays."""
    lines = gzip.decompress((data / "ucr" / f"{name}_{part}.tsv.gz").read_bytes()).decode()
    table = np.array([[float(cell) for cell in line.split("\t")] for line in lines.splitlines()])
    path = scratch / f"{name}_{part}.npz"
    np.savez(path, x=table[:, 1:, None].astype(np.float32), y=table[:, 0].astype(int))
    return path


def cells(data: Path, scratch: Path) -> Path:
    """Return sentences, each with its label at the end."""
    packed = data / "amazon_reviews" / "amazon_cells_labelled.txt.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().splitlines()
    pairs = [line.rsplit("\t", 1) for line in lines if "\t" in line]
    path = scratch / "cells.csv"
    pl.DataFrame(pairs, schema=["text", "label"], orient="row").write_csv(path)
    return path


def one_run(name: str, data: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        chosen = settings_of(name, data, Path(folder))
        begin, cpu = time.monotonic(), time.process_time()
        scores = story.run(chosen, Path(folder) / "run")
        spent = {"seconds": time.monotonic() - begin, "cpu_seconds": time.process_time() - cpu}
    test = {"model": scores["test"]["model"], **scores["test"]["baselines"]}
    return {
        "accuracy": {who: each["accuracy"] for who, each in test.items()},
        "log_loss": {who: each["log_loss"] for who, each in test.items()},
        "examples": scores["examples"],
        "best_baseline": scores["best_baseline"],
        "outcome": scores["outcome"],
        "verdict": scores["verdict"],
        "notes": scores["notes"],
        **{key: round(value, 1) for key, value in spent.items()},
        "environment": environment(),
    }


def main() -> None:
    names = (*SERIES, *CHANNELS, *TEXTS)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=names, default=list(names))
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    folder = os.environ.get("LONGSHORT_DATA")
    if not folder or not Path(folder).is_dir():
        raise SystemExit("LONGSHORT_DATA is unset or no folder: real data is not at hand")
    for name in chosen.sets:
        results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
        results[name] = found = one_run(name, Path(folder))
        chosen.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        shown = ", ".join(f"{who} {value:.1%}" for who, value in found["accuracy"].items())
        print(f"{name}: {shown}; {found['seconds']:.0f} s ({found['cpu_seconds']:.0f} of CPU)")


if __name__ == "__main__":
    main()

"""Reading lines of text: printed ones (UW3-500) and handwritten ones of unseen hands (wills).

    LONGSHORT_DATA=FOLDER python benchmarks/signals_lines.py [--parts uw3 wills] [--quick]

uw3: 500 printed lines; the test lines are the first 50 of the names in reverse order, as in clstm's
run-uw3-500; of the others a tenth is for validation. wills: French wills of 1898 to 1918, split by
hand, so that no hand of the test lines was seen. Scores are of the search with an n-gram of the
training texts, of the search alone, and of the best path; weights are chosen on validation lines.
Results and the environment go to benchmarks/results/signals_lines.json.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from parts import listener, main, quick_of, said

from longshort.config import build_as
from longshort.data.splits import Given
from longshort.runs import story, trained
from longshort.tasks.read import scoring
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.inference import frames, spelled_lines
from longshort.tasks.read.samples import Lines
from longshort.tasks.read.source import read_lines

RESULTS = Path(__file__).parent / "results" / "signals_lines.json"
PARTS = ("uw3", "wills")
Settings = dict[str, Any]

UW3: Settings = {
    "task": "read",
    "data": {"drop_bad": True},
    "image": {"height": 32},
    "model": {"channels": [12, 24, 48, 64], "dropout": 0.3},
    "train": {"threads": 1, "augment": 0.4, "max_epochs": 30},
}
WILLS: Settings = {
    "task": "read",
    "data": {"drop_bad": True},
    "image": {"height": 32},
    "model": {"channels": [12, 24, 48, 64], "dropout": 0.4},
    "train": {
        "threads": 1,
        "augment": 1.0,
        "batch_size": 4,
        "learning_rate": 0.002,
        "max_epochs": 44,
    },
}


def uw3(data: Path, quick: bool) -> dict[str, Any]:
    """Printed lines; an archive of pictures with their texts beside them."""
    path = data / "uw3_500" / "uw3-500.tgz"
    whole = read_lines(path, build_as(ReadConfig, UW3))
    order = sorted(range(len(whole)), key=lambda i: whole.places[i], reverse=True)
    given = Given(whole.take(sorted(order[50:])), None, whole.take(sorted(order[:50])))
    return one_run(UW3, given, quick)


def wills(data: Path, quick: bool) -> dict[str, Any]:
    """Handwritten lines, by a table that says the split of each."""
    folder = data / "wills_fr"
    settings = {**WILLS, "data": {**WILLS["data"], "images": str(folder / "lines_h40.tar.gz")}}
    whole = read_lines(folder / "lines.tsv", build_as(ReadConfig, settings))
    return one_run(WILLS, whole, quick)


def one_run(settings: Settings, data: Given | Lines, quick: bool) -> dict[str, Any]:
    """Train and score a run; the folder is thrown away."""
    settings = quick_of(settings, quick)
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), time.process_time()
        scores = story.run(
            settings, Path(folder) / "run", data=data, say=said, listen=listener(used)
        )
        spent = time.process_time() - used
        found = trained.load(Path(folder) / "run").remember(data)
        return {
            "test": scores["test"],
            "decoding": decodings(found),
            "verdict": scores["verdict"],
            "training": scores["training"],
            "processor_seconds": round(spent),
            "seconds": round(time.perf_counter() - begun),
        }


def decodings(run: Any) -> dict[str, float]:
    """CER on the test lines by each way of decoding."""
    test = run.own_splits().test
    arrays = run.task.encode(run.encoder, test)
    logs = frames(run.model, replace(arrays, labels=None))

    def rate(readings: Any) -> float:
        sums = scoring.statistics(test, readings, run.encoder).sum(0)
        return round(float(scoring.error_rate(sums)), 2)

    return {
        "best_path": rate(spelled_lines(run.model, logs, 1, None)),
        "search": rate(spelled_lines(run.model, logs, run.config.write.beam, None)),
        "search_with_n_gram": rate(run.predict(test)),
    }


def measure(data: Path, parts: Sequence[str] = PARTS, *, quick: bool = False) -> dict[str, Any]:
    """Train and score; data: the folder of real data."""
    return {name: globals()[name](data, quick) for name in parts}


def show(results: dict[str, Any]) -> list[str]:
    """Return results as lines for people."""
    lines = []
    for name, found in results.items():
        if name not in PARTS:
            continue
        lines.append(f"{name}: {found['verdict']}")
        ways = ", ".join(f"{way.replace('_', ' ')} {cer}" for way, cer in found["decoding"].items())
        lines.append(f"  CER by {ways}; {found['processor_seconds']} s of one processor")
        for baseline, values in found["test"]["baselines"].items():
            lines.append(f"  {baseline}: CER {values['cer']:.1f}")
    return lines


if __name__ == "__main__":
    main(__doc__, PARTS, measure, show, RESULTS)

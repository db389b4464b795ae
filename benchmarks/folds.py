"""The recipes for small data against the earlier defaults, on folds of the training splits.

    LONGSHORT_DATA=FOLDER python benchmarks/folds.py [--sets UMD cells …] [--show]

Test splits are not read. The training data of `small.py` (at most 2,000 examples) is divided into
three stratified folds. Each fold is scored once by two runs on the other two folds: with the
decided defaults, and with the settings that were the default before small data had recipes: one
convolution or none, a tenth for validation, the best epoch kept. Seed 0.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from small import CHANNELS, SERIES, TEXTS, settings_of

import longshort as ls
from longshort.config import build_as
from longshort.data.labelled import Item
from longshort.runs.job import environment
from longshort.runs.prepare import read_splits
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.task import ClassifyTask

RESULTS = Path(__file__).parent / "results" / "folds.json"
FOLDS, MOST = 3, 2_000
Pairs = tuple[list[Item], list[str]]


def training_examples(name: str, data: Path) -> Pairs:
    """Return all data that a run may use, training and validation split."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(name, data, Path(folder))
        splits = read_splits(ClassifyTask(), build_as(ClassifyConfig, settings), None)
    items = [*splits.train.items, *splits.val.items]
    labels = [*(splits.train.labels or []), *(splits.val.labels or [])]
    chosen = np.random.default_rng(0).permutation(len(items))[:MOST]
    return [items[i] for i in chosen], [labels[i] for i in chosen]


def folds(pairs: Pairs) -> Iterator[tuple[Pairs, Pairs]]:
    """Yield training and held-out examples; each label is distributed over the folds in turn."""
    items, labels = pairs
    places = defaultdict(list)
    for i, label in enumerate(labels):
        places[label].append(i)
    fold = np.zeros(len(items), int)
    for order, each in enumerate(places.values()):
        fold[each] = (np.arange(len(each)) + order) % FOLDS
    for k in range(FOLDS):
        kept, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        yield _taken(pairs, kept), _taken(pairs, held)


def _taken(pairs: Pairs, places: NDArray[np.int64]) -> Pairs:
    items, labels = pairs
    return [items[i] for i in places], [labels[i] for i in places]


def of_all_sizes(train: Pairs) -> dict[str, object]:
    """Return the settings that were decided for these data before small data had recipes."""
    items, _ = train
    count, is_text = len(items), isinstance(items[0], str)
    batch = 32 if is_text or count >= 500 else 8
    epochs = min(60, max(5, round(2_000 * batch / count)))
    is_long = not is_text and np.median([len(item) for item in items]) >= 40
    filters = {"model.kernel": 9} if is_long else {}
    return {
        "model.members": 5 if count < 500 else 1,
        "model.hidden": 128,
        "model.summary": not is_text,
        "model.convolution": 128 if is_long else 0,
        **({"model.convolutions": 1} | filters if is_long else {}),
        "model.dropout": 0.5,
        **({"model.grams": False, "model.embedding": 128} if is_text else {}),
        "split.val": 0.1,
        "train.choose": "best",
        "train.batch_size": batch,
        "train.max_epochs": epochs,
        "train.patience": max(4, epochs // 3),
        "train.learning_rate": 0.001 if is_text else 0.005,
        "train.label_smoothing": 0.0,
        "train.weight_decay": 0.0,
        "train.ema": 0.995,
    }


def one_set(name: str, data: Path) -> dict[str, Any]:
    right: dict[str, list[float]] = defaultdict(list)
    begin = time.process_time()
    pairs = training_examples(name, data)
    for train, held in folds(pairs):
        for who, settings in (("decided", {}), ("before", of_all_sizes(train))):
            scores = ls.Classifier(settings=settings).fit(*train, test=held).scores
            right[who].append(scores["test"]["model"]["accuracy"])
            if who == "decided":
                best = scores["test"]["baselines"][scores["best_baseline"]]
                right["best_baseline"].append(best["accuracy"])
    means = {who: statistics.fmean(each) for who, each in right.items()}
    return {
        "examples": len(pairs[0]),
        "accuracy": means,
        "folds": dict(right),
        "cpu_seconds": round(time.process_time() - begin, 1),
        "environment": environment(),
    }


def show(results: dict[str, Any]) -> None:
    print(f"{'set':24}{'examples':>9}{'before':>9}{'decided':>9}{'baseline':>9}")
    for name, found in results.items():
        got = found["accuracy"]
        shown = "".join(f"{got[who]:9.1%}" for who in ("before", "decided", "best_baseline"))
        print(f"{name:24}{found['examples']:9,}{shown}")
    for kind, names in (("sequences", (*SERIES, *CHANNELS)), ("texts", TEXTS)):
        gains = [
            results[name]["accuracy"]["decided"] - results[name]["accuracy"]["before"]
            for name in names
            if name in results
        ]
        if len(gains) > 1:
            error = statistics.stdev(gains) / math.sqrt(len(gains))
            print(f"{kind}: {statistics.fmean(gains):+.1%} in the mean, standard error {error:.1%}")


def main() -> None:
    names = (*SERIES, *CHANNELS, *TEXTS)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=names, default=list(names))
    parser.add_argument("--show", action="store_true", help="print what --out has, run nothing")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    folder = os.environ.get("LONGSHORT_DATA")
    if not chosen.show and (not folder or not Path(folder).is_dir()):
        raise SystemExit("LONGSHORT_DATA is unset or no folder: real data is not at hand")
    for name in () if chosen.show else chosen.sets:
        results[name] = one_set(name, Path(str(folder)))
        chosen.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        print(name, results[name]["accuracy"], flush=True)
    show(results)


if __name__ == "__main__":
    main()

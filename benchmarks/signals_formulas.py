"""Reading handwritten formulas of CROHME from pen strokes: signs in order, and LaTeX.

    LONGSHORT_DATA=FOLDER python benchmarks/signals_formulas.py [--parts symbols latex] [--quick]

symbols: the symbols in the order in which they were begun, by CTC. latex: the formula in LaTeX,
written in one way (`latex.py`), by a decoder that attends. Both learn from the training part of
CROHME, and are scored on the parts of 2014 and 2016, 2014 with its baselines. For validation is a
tenth of the training part's writers, and for latex the part of 2013: of formulas by those writers
44 % also stand in the training split, and a decoder may know them by heart. Results and the
environment go to benchmarks/results/signals_formulas.json.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from crohme import expressions
from latex import tokens_of
from parts import listener, main, quick_of, said

from longshort.data.splits import Given
from longshort.data.strokes.ink import Inks
from longshort.runs import story, trained

RESULTS = Path(__file__).parent / "results" / "signals_formulas.json"
PARTS = ("symbols", "latex")
TESTS = ("test2014", "test2016")
Settings = dict[str, Any]

COMMON: Settings = {"task": "read", "text": {"tokens": "symbols"}}
SETTINGS: dict[str, Settings] = {
    "symbols": {
        "model": {"hidden": 96, "dropout": 0.2},
        "train": {"threads": 1, "max_epochs": 12, "learning_rate": 0.003},
    },
    "latex": {
        "model": {"head": "attention", "hidden": 128, "dropout": 0.3},
        "write": {"beam": 3},
        "train": {"threads": 1, "max_epochs": 24, "learning_rate": 0.003},
    },
}


def labelled(data: Path, name: str, kind: str) -> Inks:
    """Expressions with their symbols in the order of writing, or with their LaTeX."""
    found = expressions(data, name)
    if kind == "latex":
        texts = [" ".join(tokens_of(each)) for each in found.labels or []]
        return _known(replace(found, labels=texts))
    with gzip.open(data / "crohme" / f"{name}.jsonl.gz", "rt") as lines:
        rows = [json.loads(line)["symbols"] for line in lines]
    ordered = [sorted((min(strokes), label) for label, strokes in row if strokes) for row in rows]
    return _known(replace(found, labels=[" ".join(s for _, s in row) for row in ordered]))


def _known(inks: Inks) -> Inks:
    """Return the expressions that have a text; a few damaged files have none."""
    labels = inks.labels or []
    return inks.take([i for i, label in enumerate(labels) if label])


def learned(data: Path, kind: str) -> tuple[Inks, Inks]:
    """Training and validation expressions."""
    train = labelled(data, "train", kind)
    if kind == "latex":
        return train, labelled(data, "test2013", kind)
    writers = np.array(train.writers)
    names = np.unique(writers)
    held = np.random.default_rng(0).permutation(names)[: len(names) // 10]
    is_val = np.isin(writers, held)
    return train.take(np.flatnonzero(~is_val)), train.take(np.flatnonzero(is_val))


def one_part(data: Path, kind: str, quick: bool) -> dict[str, Any]:
    """Train and score a run; the folder is thrown away."""
    train, val = learned(data, kind)
    tests = {name: labelled(data, name, kind) for name in TESTS}
    given = Given(train, val, tests[TESTS[0]])
    settings = quick_of({**COMMON, **SETTINGS[kind]}, quick)
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), time.process_time()
        scores = story.run(
            settings, Path(folder) / "run", data=given, say=said, listen=listener(used)
        )
        spent = time.process_time() - used
        run = trained.load(Path(folder) / "run").remember(given)
        other = run.evaluate(tests[TESTS[1]], include_training=True)
        return {
            TESTS[0]: scores["test"],
            TESTS[1]: other["test"],
            "verdict": scores["verdict"],
            "training": scores["training"],
            "processor_seconds": round(spent),
            "seconds": round(time.perf_counter() - begun),
        }


def measure(data: Path, parts: Sequence[str] = PARTS, *, quick: bool = False) -> dict[str, Any]:
    """Train and score; data: the folder of real data."""
    return {name: one_part(data, name, quick) for name in parts}


def show(results: dict[str, Any]) -> list[str]:
    """Return results as lines for people."""
    lines = []
    for name, found in results.items():
        if name not in PARTS:
            continue
        lines.append(f"{name}: {found['verdict']} {found['processor_seconds']} s of one processor")
        for test in TESTS:
            model, others = found[test]["model"], found[test]["baselines"]
            lines.append(f"  {test}: CER {model['cer']:.1f}, exact {model['exact']:.1%}")
            lines += [f"    {each}: CER {values['cer']:.1f}, exact {values['exact']:.1%}"
                      for each, values in others.items()]  # fmt: skip
    return lines


if __name__ == "__main__":
    main(__doc__, PARTS, measure, show, RESULTS)

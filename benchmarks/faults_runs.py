"""Small runs of the library whose settings can be broken: data and healthy settings by task."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import polars as pl
from faults_tasks import adding, chars, classes, melody, tags

from longshort.config import assign
from longshort.data.labelled import examples_of
from longshort.runs.lookup import find_task
from longshort.runs.trial import Ground
from longshort.tasks.tag.conll import tagged_of

ROWS = 480
COMMON = {"threads": 1, "patience": 50, "ema": 0.9}


def labelled(task: str, rows: int = ROWS, seed: int = 0) -> Any:
    """Sequences of numbers with labels, or with values."""
    draw = np.random.default_rng(seed)
    x, y = (classes if task == "classify" else adding)(rows, draw)
    names = [f"class {k}" for k in y.tolist()] if task == "classify" else y.tolist()
    return examples_of(list(x.numpy()), names)


def tagged(rows: int = ROWS, seed: int = 0) -> Any:
    """Sentences of tokens with tags."""
    x, y = tags(rows, np.random.default_rng(seed))
    words = [[f"w{k}" for k in row] for row in x.tolist()]
    return tagged_of(words, [["ABC"[k] for k in row] for row in y.tolist()])


def text(rows: int = ROWS, seed: int = 0) -> list[str]:
    """Lines of a chain of second order."""
    x, _ = chars(rows, np.random.default_rng(seed))
    return ["".join("abcdefghijkl"[k] for k in row) for row in x.tolist()]


def series(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """An hourly wave with noise whose speed changes."""
    draw = np.random.default_rng(seed)
    steps = np.arange(rows)
    wave = np.sin(2 * np.pi * steps / 12) * (1 + 0.5 * np.sin(2 * np.pi * steps / 60))
    stamps = np.datetime64("2024-01-01T00", "us") + steps * np.timedelta64(1, "h")
    return pl.DataFrame({"ds": stamps, "y": 50 + 20 * wave + draw.normal(0, 2, rows)})


def tunes(rows: int = ROWS, seed: int = 0) -> list[str]:
    """Lines in which every third letter is that three before."""
    x, _ = melody(rows, np.random.default_rng(seed))
    return ["".join("abcdefghij"[k] for k in row) for row in x.tolist()]


def sawtooth(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """An hourly sawtooth with noise that has a memory, and a trend."""
    draw = np.random.default_rng(seed)
    noise = draw.normal(0, 1, rows)
    for n in range(1, rows):
        noise[n] += 0.7 * noise[n - 1]
    values = 30 + 0.01 * np.arange(rows) + (np.arange(rows) % 12) + noise
    return series(rows, seed).with_columns(y=pl.Series(values))


def walk(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Noise without memory, hourly."""
    draw = np.random.default_rng(seed)
    frame = series(rows, seed)
    return frame.with_columns(y=pl.Series(50 + 20 * draw.normal(size=rows)))


HEALTHY: dict[str, dict[str, Any]] = {
    "classify": {
        "model": {
            "hidden": 24,
            "members": 1,
            "convolution": 0,
            "summary": False,
            "bidirectional": False,
            "dropout": 0.1,
        },
        "train": {**COMMON, "learning_rate": 0.01, "max_epochs": 20, "batch_size": 32},
    },
    "regress": {
        "model": {"hidden": 24, "summary": False, "dropout": 0.0},
        "train": {**COMMON, "learning_rate": 0.02, "max_epochs": 25, "batch_size": 32},
    },
    "tag": {
        "model": {
            "hidden": 24,
            "embedding": 16,
            "characters": 0,
            "shapes": 0,
            "crf": False,
            "dropout": 0.1,
            "word_dropout": 0.0,
        },
        "train": {**COMMON, "learning_rate": 0.02, "max_epochs": 24, "batch_size": 32},
        "evaluate": {"softmax": False},
    },
    "lm": {
        "model": {"embedding": 24, "num_layers": 1, "dropout": 0.0},
        "train": {**COMMON, "learning_rate": 0.02, "max_epochs": 16, "batch_size": 16, "bptt": 24},
        "split": {"val": 0.1, "test": 0.1},
    },
    "forecast": {
        "model": {
            "hidden": 16,
            "context_length": 24,
            "horizon": 4,
            "linear": False,
            "season": 12,
            "dropout": 0.0,
            "effects": "off",
        },
        "data": {"calendar": []},
        "train": {**COMMON, "learning_rate": 0.01, "max_epochs": 12, "batch_size": 32},
    },
}
HEALTHY |= dict.fromkeys(("words", "tunes"), HEALTHY["lm"])
HEALTHY["sawtooth"] = HEALTHY["forecast"]
TASKS = {"words": "lm", "tunes": "lm", "sawtooth": "forecast"}
"""Tasks of the library by the names that differ."""
DATA = {
    "words": lambda: text(seed=5),
    "classify": lambda: labelled("classify"),
    "regress": lambda: labelled("regress"),
    "tag": tagged,
    "lm": text,
    "forecast": series,
    "tunes": tunes,
    "sawtooth": sawtooth,
}


def settings_of(task: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the healthy settings of a task with changes."""
    found = {"task": TASKS.get(task, task), **deepcopy(HEALTHY[task])}
    for key, value in changes.items():
        assign(found, key, value)
    return found


def score_of(task: str, changes: dict[str, Any], data: Any, seed: int = 1) -> float:
    """Train with changed settings; return the best validation score, as training measures it."""
    settings = settings_of(task, {**changes, "train.seed": seed})
    trial = Ground(find_task(settings["task"]), settings, data).trial({})
    try:
        best = trial.advance().best_score
    except Exception:  # a diverged training has no score
        return float("inf")
    return float("inf") if best is None else best

"""Example data sets in the package; `SOURCES.md` gives origin and licence."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError, nearest

EXAMPLES: dict[str, dict[str, Any]] = {
    "co2": {"data.time": "week", "data.target": "co2", "model.horizon": 26},
    "elnino": {"data.time": "month", "data.target": "sst"},
    "super_elnino": {
        "task": "anomaly",
        "data.time": "month",
        "data.target": "sst",
        "data.labels": "el_nino",
        "split.normal": "1980-01",
    },
    "weather": {
        "data.time": "date",
        "data.target": "temp_max",
        "data.past": ["temp_min", "precipitation", "wind"],
        "model.horizon": 7,
    },
    "topics": {
        "task": "classify",
        "data.text": "text",
        "data.label": "topic",
        "split.val": 0.15,
        "split.test": 0.25,
        "model.embedding": 64,
        "model.hidden": 64,
        "train.learning_rate": 0.005,
    },
    "recipes": {
        "task": "tag",
        "split.val": 0.15,
        "split.test": 0.25,
        "model.embedding": 64,
        "model.hidden": 64,
        "train.max_epochs": 20,
    },
    "phrases": {
        "task": "translate",
        "data.source": "english",
        "data.target": "german",
        "text.tokens": "words",
        "model.hidden": 128,
        "model.attention": "additive",
        "model.placement": "before",
        "model.dropout": 0.2,
        "train.learning_rate": 0.01,
        "train.max_epochs": 40,
    },
    "subjects": {
        "task": "summarise",
        "data.source": "message",
        "data.target": "subject",
        "text.tokens": "words",
        "train.learning_rate": 0.01,
        "train.max_epochs": 20,
    },
    "shakespeare": {
        "task": "lm",
        "split.test": 0.1,
        "model.hidden": 256,
        "model.embedding": 64,
        "model.num_layers": 1,
        "model.tie": False,
        "model.input_dropout": 0.05,
        "model.output_dropout": 0.4,
        "train.learning_rate": 0.005,
        "train.batch_size": 8,
        "train.bptt": 50,
        "train.max_epochs": 12,
    },
    "letters": {
        "task": "draw",
        "train.batch_size": 32,
        "train.max_epochs": 30,
        "model.dropout": 0.2,
    },
    "shapes": {
        "task": "caption",
        "data.features": "shapes.npz",
        "split.test": 0.25,
        "model.hidden": 128,
        "train.learning_rate": 0.005,
        "train.max_epochs": 20,
    },
    "syllables": {
        "task": "transcribe",
        "data.features": "syllables.npz",
        "audio.hop": 20.0,
        "audio.normalise": "both",
        "split.test": 0.25,
        "split.val": 0.15,
        "model.patch": 2,
        "model.num_layers": 1,
        "train.max_epochs": 25,
    },
    "voices": {
        "task": "speaker",
        "split.test": 0.375,
        "split.val": 0.2,
        "evaluate.short": 0.4,
        "evaluate.enrolled": 2,
        "evaluate.least": 1.0,
        "model.hidden": 32,
        "model.size": 32,
        "train.shortest": 0.3,
        "train.longest": 0.6,
        "train.steps_per_epoch": 50,
        "train.max_epochs": 4,
    },
    "lines": {
        "task": "read",
        "data.images": "lines.zip",
        "split.test": 0.15,
        "image.height": 24,
        "model.channels": [12, 24, 32],
        "model.hidden": 48,
        "model.dropout": 0.2,
        "train.augment": 0.3,
        "train.learning_rate": 0.004,
        "train.batch_size": 8,
        "train.max_epochs": 20,
    },
    "bounce": {
        "task": "frames",
        "model.inputs": 6,
        "model.outputs": 6,
        "model.hidden": 24,
        "data.step": 2,
        "train.learning_rate": 0.006,
        "train.batch_size": 8,
        "train.max_epochs": 12,
    },
}
"""Settings of a run on each example, by name."""

_SUFFIXES = {"recipes": "conll", "shakespeare": "txt", "letters": "jsonl", "bounce": "npz"}
"""File suffixes of examples that are not csv."""
_FILES = ("data.features", "data.images")
"""Settings that name a further file of an example."""


def example(name: str) -> tuple[Path, dict[str, Any]]:
    """Return path and settings of an example."""
    if name not in EXAMPLES:
        raise ConfigError(f"--example {name!r}: no such example; {nearest(name, EXAMPLES)}")
    suffix = _SUFFIXES.get(name, "csv")
    folder = Path(str(files(__name__)))
    settings = {
        key: str(folder / value) if key in _FILES else value
        for key, value in EXAMPLES[name].items()
    }
    return folder / f"{name}.{suffix}", settings

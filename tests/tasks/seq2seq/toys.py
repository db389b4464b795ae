"""Small languages that are learned in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

Lists = tuple[list[str], list[str]]

QUICK: dict[str, Any] = {
    "text.tokens": "words",
    "model.hidden": 32,
    "model.embedding": 32,
    "model.attention": "additive",
    "model.placement": "before",
    "model.dropout": 0.0,
    "train.learning_rate": 0.02,
    "train.max_epochs": 25,
    "train.threads": 1,
    "evaluate.memory": False,
}
WORDS = ["red", "old", "cat", "dog", "sees", "hears", "here", "now"]
FOREIGN = ["rot", "alt", "katze", "hund", "sieht", "hört", "hier", "jetzt"]


def reversed_words(count: int, seed: int = 0) -> Lists:
    """Sentences of different words, and their translation word by word, the last word first."""
    draw = np.random.default_rng(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        chosen = draw.permutation(len(WORDS))[: draw.integers(3, 6)].tolist()
        source = " ".join(WORDS[i] for i in chosen)
        found[source] = " ".join(FOREIGN[i] for i in reversed(chosen))
    return list(found), list(found.values())


def nested(settings: dict[str, Any], task: str = "translate") -> dict[str, Any]:
    """Settings as tables."""
    found: dict[str, Any] = {"task": task}
    for key, value in settings.items():
        table, name = key.split(".")
        found.setdefault(table, {})[name] = value
    return found

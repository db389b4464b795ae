"""AN4 by CTC with three layers, slopes of the MFCC and more masks; otherwise `signals_an4`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from signals_an4 import by_models, of_settings, show

__all__ = ["SETTINGS", "measure", "show"]

SETTINGS: dict[str, Any] = {
    "audio": {"deltas": 2},
    "model": {"num_layers": 3, "dropout": 0.3},
    "vary": {"time_share": 0.1},
    "language": {"kind": "words"},
    "train": {"max_epochs": 50, "patience": 25},
}


def measure(data: Path) -> dict[str, Any]:
    """Train and score the larger network."""
    return of_settings(data, SETTINGS, by_models)

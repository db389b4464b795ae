"""AN4 by a transducer (RNN-T) without a language model, otherwise as `signals_an4` measures CTC.

Of two settings this one had the lower validation loss; the other, of two layers, four frames a step
and 20 epochs, took 3 processor minutes and had word error rates of 10.6 % greedily, 12.3 by a beam.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from signals_an4 import of_settings, show

from longshort.runs.task import Encoded
from longshort.runs.transcribing import Listening
from longshort.tasks.transcribe.inference import ModelOf
from longshort.tasks.transcribe.samples import Utterances

__all__ = ["measure", "show"]

SETTINGS: dict[str, Any] = {
    "audio": {"deltas": 2},
    "model": {"head": "transducer", "num_layers": 3, "patch": 3, "dropout": 0.4},
    "vary": {"time_share": 0.1},
    "train": {"max_epochs": 60, "patience": 30},
}


def measure(data: Path) -> dict[str, Any]:
    """Train and score the network with the transducer's head."""
    return of_settings(data, SETTINGS, by_beam)


def by_beam(
    model: ModelOf, train: Utterances, val: Encoded[Utterances]
) -> dict[str, tuple[ModelOf, Listening]]:
    """Hear greedily, and by a beam search."""
    del train, val
    return {"greedy": (model, Listening(beam=1)), "beam 4": (model, Listening(beam=4))}

"""Inference: recordings to embeddings, whole and from their first seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longshort.data.audio.features import steps_of
from longshort.data.sequences import Sequences
from longshort.runs.inference import in_batches
from longshort.runs.task import Model
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.voices import Vectors, Voices

Floats = NDArray[np.float64]
_TOGETHER = 32
"""Recordings that are read side by side; they are long."""


def embeddings(model: Model[SpeakerConfig, SpeakerEncoder], arrays: Sequences) -> Floats:
    """Return an embedding of length 1 for each recording, [n, E]."""
    return in_batches(arrays, lambda b: model.call("forward", b.x, b.lengths), _TOGETHER)


def voices(model: Model[SpeakerConfig, SpeakerEncoder], arrays: Sequences) -> Voices:
    """Return the embeddings of whole recordings, and of their first seconds."""
    whole, short = embeddings(model, arrays), embeddings(model, shortened(model.config, arrays))
    return Voices(Vectors(whole, whole), Vectors(short, short))


def shortened(config: SpeakerConfig, arrays: Sequences) -> Sequences:
    """Return the first `evaluate.short` seconds of each recording."""
    steps = max(1, steps_of(config.evaluate.short, config.audio))
    return Sequences([np.asarray(item)[:steps] for item in arrays.items], np.zeros(0))

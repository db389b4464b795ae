"""Sessions of voices: a frame of features at each step, answered with the embedding so far."""

from __future__ import annotations

from typing import Any

from longshort.data.labelled import Examples
from longshort.runs.abilities import Stepper
from longshort.runs.example_steps import RowHistory, channel_names, usual_of
from longshort.runs.task import Model
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.inference import embeddings

SAYS = {"embedding": "of the voice so far, of length 1; the product of two is their similarity"}


def voice_steps(model: Model[SpeakerConfig, SpeakerEncoder]) -> Stepper:
    """Return the stepper of a model: the frames so far are one recording."""
    encoder = model.encoder

    def answer(samples: Examples) -> dict[str, Any]:
        return {"embedding": embeddings(model, encoder.encode(samples))[0].tolist()}

    names = channel_names((), len(encoder.reader.mean))
    return RowHistory(names, answer, SAYS, usual_of(encoder.reader))

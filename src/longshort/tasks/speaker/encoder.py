"""The encoder of voices: scales of the features, and the names of the training speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.sequences import TextConfig
from longshort.data.labelled import Examples
from longshort.data.sequences import SequenceReader, Sequences

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SpeakerEncoder:
    """Mean and deviation of each feature over the training split, and the speakers in it."""

    reader: SequenceReader
    speakers: tuple[str, ...]

    @staticmethod
    def fit(train: Examples) -> SpeakerEncoder:
        """Fit on the training split."""
        reader = SequenceReader.fit(train, TextConfig(), by_channel=True)
        return SpeakerEncoder(reader, tuple(sorted(set(train.labels or []))))

    def scaled(self, samples: Examples) -> list[Floats]:
        """Return the scaled features of recordings; raises `DataError` for others."""
        return [np.asarray(item, np.float32) for item in self.reader.read(samples)]

    def encode(self, samples: Examples) -> Sequences:
        """Return recordings as arrays; who speaks is not among them."""
        return Sequences(self.scaled(samples), np.zeros(0))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**self.reader.to_dict(), "speakers": list(self.speakers)}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> SpeakerEncoder:
        """Return the encoder that `to_dict` wrote."""
        return SpeakerEncoder(SequenceReader.from_dict(stored), tuple(stored["speakers"]))

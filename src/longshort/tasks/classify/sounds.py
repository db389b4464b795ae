"""Recordings as a classifier's training samples, varied from batch to batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.config.audio import VariedSettings
from longshort.data.audio.vary import masked
from longshort.data.labelled import Examples
from longshort.data.padding import pad_arrays
from longshort.data.sequences import Batch, Sequences
from longshort.runs.task import Model
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class VariedSequences:
    """Encoded recordings at several speeds; a batch takes one of each at random, and masks it.

    speeds: the recordings at each speed, with the same numbers. The random numbers are torch's, so
    that a resumed training goes on with the same ones.
    """

    plain: Sequences
    speeds: list[list[Floats]]
    settings: VariedSettings

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each recording at its own speed."""
        return self.plain.lengths

    def batch(self, numbers: NDArray[np.int64]) -> Batch:
        """Return varied recordings with these numbers, padded."""
        draw = np.random.default_rng(int(torch.randint(2**31, (1,))))
        chosen = draw.integers(len(self.speeds), size=len(numbers)).tolist()
        pairs = zip(chosen, numbers.tolist(), strict=True)
        x, lengths = pad_arrays([masked(self.speeds[s][i], self.settings, draw) for s, i in pairs])
        return Batch(x, lengths, self.plain.targets[numbers], None)


def varied_recordings(
    model: Model[ClassifyConfig, ClassifyEncoder], samples: Examples, plain: Sequences
) -> VariedSequences:
    """Return training recordings that vary."""
    config, speeds = model.config, []
    assert samples.sounds is not None
    for speed in config.vary.speeds:
        items = samples.sounds.features(config.audio, speed)
        speeds.append(model.encoder.reader.read(replace(samples, items=list(items))))
    return VariedSequences(plain, speeds, config.vary)  # type: ignore[arg-type]

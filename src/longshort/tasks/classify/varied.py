"""Training samples that vary from batch to batch: recordings, and pen strokes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.data.sequences import Batch, Sequences
from longshort.data.strokes.augment import Augment
from longshort.data.strokes.variants import Variants
from longshort.runs.task import Model
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.sounds import VariedSequences, varied_recordings


@dataclass(frozen=True)
class VariedStrokes:
    """Encoded pen strokes, whose batches are variants.

    The random numbers are torch's, so that a resumed training goes on with the same ones.
    """

    variants: Variants

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Points of each sample as it is."""
        return self.variants.arrays.lengths

    def batch(self, numbers: NDArray[np.int64]) -> Batch:
        """Return variants of the samples with these numbers, padded."""
        draw = np.random.default_rng(int(torch.randint(2**31, (1,))))
        return self.variants.batch(numbers, draw)


def varied(
    model: Model[ClassifyConfig, ClassifyEncoder], samples: Examples, plain: Sequences
) -> Sequences | VariedSequences | VariedStrokes:
    """Return training samples that vary where the settings ask for it."""
    config = model.config
    if samples.sounds is not None:
        return varied_recordings(model, samples, plain)
    if not config.train.augment:
        return plain
    how = Augment().times(config.train.augment)
    return VariedStrokes(Variants(plain, model.encoder.reader, config.data, how))

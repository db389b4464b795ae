"""Encoded pen strokes whose batches are random variants of them, for training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from longshort.config.strokes import StrokeSettings
from longshort.data.formats.strokes import shaped
from longshort.data.sequences import Batch, SequenceReader, Sequences
from longshort.data.strokes.augment import Augment, augmented
from longshort.data.strokes.features import FEATURES, features
from longshort.data.strokes.ink import Ink

Floats = NDArray[np.float32]
_PLACES = [FEATURES.index("x"), FEATURES.index("y")]
_LIFT = FEATURES.index("lift")


@dataclass(frozen=True)
class Variants:
    """Sequences of the features of points, which are changed as strokes.

    reader: whose scales the features have. settings: of size and spacing. how: how much is changed.
    """

    arrays: Sequences
    reader: SequenceReader
    settings: StrokeSettings
    how: Augment

    def batch(self, numbers: NDArray[np.int64], draw: np.random.Generator) -> Batch:
        """Return variants of the samples with these numbers, padded."""
        taken = self.arrays.take(numbers.tolist())
        items = [self._varied(np.asarray(item), draw) for item in taken.items]
        return replace(taken, items=items).batch(np.arange(len(items)))

    def _varied(self, item: Floats, draw: np.random.Generator) -> Floats:
        mean, deviation = np.array(self.reader.mean), np.array(self.reader.deviation)
        values = item * deviation + mean
        ink = Ink(values[:, _PLACES], values[:, _LIFT] > 0.5)
        changed = features(shaped(augmented(ink, self.how, draw), self.settings))
        found: Floats = ((changed - mean) / deviation).astype(np.float32)
        return found

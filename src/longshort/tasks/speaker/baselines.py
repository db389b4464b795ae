"""Baselines of speakers: moments of MFCC compared by angle, and adapted mixtures of Gaussians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import AudioSettings
from longshort.data.audio.features import steps_of
from longshort.data.labelled import Examples
from longshort.runs.task import Baseline, Encoded, Track
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.gaussians import Mixture, mixture_vectors
from longshort.tasks.speaker.voices import Vectors, Voices

Floats = NDArray[np.float64]
_CEPSTRA = AudioSettings(features="mfcc", coefficients=20, normalise="none")
_COMPONENTS = 32


def baselines(
    train: Encoded[Examples], test: Encoded[Examples], config: SpeakerConfig, track: Track
) -> dict[str, Baseline[Voices]]:
    """Return the baselines' vectors of the test recordings, fitted on the training split."""
    track("computing the baselines", 0, 0)
    known, asked = (_frames(each) for each in (train, test))
    steps = max(1, steps_of(config.evaluate.short, config.audio))
    short = [each[:steps] for each in asked]
    moments, mixture = _Moments(known), _Mixtures(known)
    return {
        "moments": Baseline(
            Voices(moments(asked), moments(short)),
            "the angle between means and deviations of MFCC",
            "standardises means and deviations of 20 MFCC by the training recordings",
        ),
        "gaussians": Baseline(
            Voices(mixture(asked), mixture(short)),
            "a mixture of Gaussians for each voice",
            f"adapts {_COMPONENTS} Gaussians with diagonal covariances, fitted on the training "
            "recordings, to every voice",
        ),
    }


def _frames(encoded: Encoded[Examples]) -> list[Floats]:
    """Return MFCC of recordings, or the features of samples that are no recordings, [T, F]."""
    sounds = encoded.samples.sounds
    items = encoded.arrays.items if sounds is None else sounds.features(_CEPSTRA)
    return [np.asarray(item, np.float64) for item in items]


class _Moments:
    """Mean and deviation of each feature, standardised by those of the training recordings."""

    def __init__(self, known: Sequence[Floats]) -> None:
        rows = self._rows(known)
        self.mean, self.scale = rows.mean(0), np.maximum(rows.std(0), 1e-6)

    @staticmethod
    def _rows(recordings: Sequence[Floats]) -> Floats:
        return np.stack([np.concatenate([each.mean(0), each.std(0)]) for each in recordings])

    def __call__(self, recordings: Sequence[Floats]) -> Vectors:
        rows = (self._rows(recordings) - self.mean) / self.scale
        unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return Vectors(unit, unit)


class _Mixtures:
    """A background mixture of all training recordings, adapted to each recording."""

    def __init__(self, known: Sequence[Floats]) -> None:
        frames = np.concatenate(list(known))
        self.mean, self.scale = frames.mean(0), np.maximum(frames.std(0), 1e-6)
        self.background = Mixture.fit((frames - self.mean) / self.scale, _COMPONENTS)

    def __call__(self, recordings: Sequence[Floats]) -> Vectors:
        scaled = [(each - self.mean) / self.scale for each in recordings]
        return Vectors(*mixture_vectors(self.background, scaled))

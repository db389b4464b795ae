"""Mixtures of Gaussians with diagonal covariances, adapted to single voices.

Source: Reynolds, Quatieri and Dunn, Speaker verification using adapted Gaussian mixture models
(2000); scores by their linear part, Glembek et al., Comparison of scoring methods used in speaker
recognition with joint factor analysis (2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROUNDS, _LEAST = 15, 1e-3
_MOST_FRAMES = 20_000
RELEVANCE = 16.0
"""Frames of a component that weigh as much as the background."""


@dataclass(frozen=True)
class Mixture:
    """Weights [K], means [K, F] and variances [K, F] of the components."""

    weights: Floats
    means: Floats
    variances: Floats

    @staticmethod
    def fit(frames: Floats, components: int, seed: int = 0) -> Mixture:
        """Fit to frames [n, F] by expectation maximisation from means drawn by the seed."""
        draw = np.random.default_rng(seed)
        if len(frames) > _MOST_FRAMES:
            frames = frames[draw.permutation(len(frames))[:_MOST_FRAMES]]
        components = min(components, len(frames))
        means = frames[draw.permutation(len(frames))[:components]]
        spread = np.maximum(frames.var(0), _LEAST)
        found = Mixture(
            np.full(components, 1 / components), means, np.tile(spread, (components, 1))
        )
        for _ in range(_ROUNDS):
            found = found._improved(frames, spread)
        return found

    def _improved(self, frames: Floats, spread: Floats) -> Mixture:
        shares = self.shares(frames)
        counts = np.maximum(shares.sum(0), 1e-6)
        means = shares.T @ frames / counts[:, None]
        squares = shares.T @ np.square(frames) / counts[:, None]
        variances = np.maximum(squares - np.square(means), 0.01 * spread)
        return Mixture(counts / counts.sum(), means, variances)

    def shares(self, frames: Floats) -> Floats:
        """Return the probability of each component for each frame, [n, K]."""
        inverse = 1 / self.variances
        logs = frames @ (self.means * inverse).T - 0.5 * np.square(frames) @ inverse.T
        constant = np.log(self.weights) - 0.5 * (
            np.log(self.variances) + np.square(self.means) * inverse
        ).sum(1)
        logs += constant
        logs -= logs.max(1, keepdims=True)
        found = np.exp(logs)
        return np.asarray(found / found.sum(1, keepdims=True))

    def adapted(self, frames: Floats) -> tuple[Floats, Floats]:
        """Return what a voice adds to the means, and what is heard of it, [K · F] each.

        Both are in deviations of the components. The product of one voice's first with another
        recording's second is the linear part of the mean log likelihood ratio of its frames.
        """
        shares = self.shares(frames)
        counts = shares.sum(0)[:, None]
        scale = np.sqrt(self.variances)
        offsets = (shares.T @ frames - counts * self.means) / scale
        return (offsets / (counts + RELEVANCE)).ravel(), (offsets / len(frames)).ravel()


def mixture_vectors(background: Mixture, recordings: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return `Mixture.adapted` of each recording, [n, K · F] each."""
    pairs = [background.adapted(frames) for frames in recordings]
    return np.stack([model for model, _ in pairs]), np.stack([heard for _, heard in pairs])

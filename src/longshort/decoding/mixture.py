"""Mixtures of two-dimensional normal distributions: likelihoods, and drawing from them.

Letters: K components, C classes. Outputs [..., 6K + C] are those of
`longshort.nn.blocks.mixture`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDEST, STEEPEST = 7.0, 4.0
"""Bounds of the deviations' logarithms, and of the correlations' inverse hyperbolic tangents."""


class Mixture(NamedTuple):
    """The parts of outputs [..., K each]: logits of shares and classes [..., C], and the normals.

    means, wide: of x and y, [..., 2, K]; wide: logarithms of deviations. steep: inverse hyperbolic
    tangents of correlations.
    """

    shares: Floats
    means: Floats
    wide: Floats
    steep: Floats
    classes: Floats


def mixture_of(outputs: NDArray[np.float32], mixtures: int) -> Mixture:
    """Return the parts of outputs [..., 6K + C], within their bounds."""
    values = np.asarray(outputs, dtype=np.float64)
    normals = values[..., : 6 * mixtures].reshape(*values.shape[:-1], 6, mixtures)
    return Mixture(
        normals[..., 0, :],
        normals[..., 1:3, :],
        np.clip(normals[..., 3:5, :], -WIDEST, WIDEST),
        np.clip(normals[..., 5, :], -STEEPEST, STEEPEST),
        values[..., 6 * mixtures :],
    )


def component_logs(mixture: Mixture, points: Floats) -> Floats:
    """Return the logarithms of every share times its density at points [..., 2], as [..., K]."""
    distances = (points[..., None] - mixture.means) * np.exp(-mixture.wide)
    x, y = distances[..., 0, :], distances[..., 1, :]
    steep = mixture.steep
    rest = (y - np.tanh(steep) * x) * np.cosh(steep)
    logs = np.log(np.cosh(steep)) - 0.5 * (x**2 + rest**2) - mixture.wide.sum(-2)
    found: Floats = logs - math.log(2 * math.pi) + _log_shares(mixture.shares)
    return found


def point_nats(mixture: Mixture, points: Floats) -> Floats:
    """Return the negative log-likelihoods of points [..., 2]."""
    return -_log_sum(component_logs(mixture, points))


def class_nats(mixture: Mixture, classes: Ints) -> Floats:
    """Return the negative log-likelihoods of numbers of classes [...]."""
    logs = _log_shares(mixture.classes)
    found: Floats = -np.take_along_axis(logs, classes[..., None], -1)[..., 0]
    return found


def draw(mixture: Mixture, chance: np.random.Generator, bias: float = 0.0) -> tuple[Floats, Ints]:
    """Draw points [B, 2] and numbers of classes [B] from outputs of B rows.

    bias: 0 draws from the distribution itself; the larger, the more likely the points: shares and
    classes are sharpened by 1 + bias, and deviations shrink by exp(-bias) (Graves, 2013, equations
    61 and 62).
    """
    kinds = _choose(mixture.shares * (1 + bias), chance)
    classes = _choose(mixture.classes * (1 + bias), chance)
    rows = np.arange(len(kinds))
    means, steep = mixture.means[rows, :, kinds], mixture.steep[rows, kinds]
    deviations = np.exp(mixture.wide[rows, :, kinds] - bias)
    x, other = chance.standard_normal((2, len(kinds)))
    y = np.tanh(steep) * x + other / np.cosh(steep)
    return means + deviations * np.column_stack([x, y]), classes


def _choose(logits: Floats, chance: np.random.Generator) -> Ints:
    """Draw a number of each row by its logits [B, C]."""
    shares = np.exp(_log_shares(logits)).cumsum(-1)
    found: Ints = (shares < chance.random((len(shares), 1)) * shares[:, -1:]).sum(-1)
    return found


def _log_shares(logits: Floats) -> Floats:
    return logits - _log_sum(logits)[..., None]


def _log_sum(logs: Floats) -> Floats:
    highest = logs.max(-1, keepdims=True)
    found: Floats = (highest + np.log(np.exp(logs - highest).sum(-1, keepdims=True)))[..., 0]
    return found

"""Mixtures of two-dimensional normal distributions, with a class beside, as a network's output.

Letters: K components, C classes. Outputs [..., 6K + C] are, K each, the logits of the components'
shares, the means of x and y, the logarithms of the deviations of x and y, and the inverse
hyperbolic tangents of the correlations; then the logits of the classes. After Graves (2013,
"Generating sequences with recurrent neural networks", equations 15 to 25), whose single bit for the
end of a stroke is a class of two or more here. `longshort.decoding.mixture` reads the same outputs
in NumPy.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

WIDEST, STEEPEST = 7.0, 4.0
"""Bounds of the deviations' logarithms, and of the correlations' inverse hyperbolic tangents."""


class Nats(NamedTuple):
    """Negative log-likelihoods [...]: of points, as densities, and of classes."""

    points: Tensor
    classes: Tensor


class MixtureHead(nn.Module):
    """A linear layer from states [..., H] to the outputs of a mixture [..., 6K + C]."""

    def __init__(self, size: int, mixtures: int, classes: int) -> None:
        super().__init__()
        self.mixtures, self.classes = mixtures, classes
        self.linear = nn.Linear(size, 6 * mixtures + classes)

    def forward(self, states: Tensor) -> Tensor:
        """Return the outputs of states."""
        outputs: Tensor = self.linear(states)
        return outputs

    def nats(self, outputs: Tensor, points: Tensor, classes: Tensor) -> Nats:
        """Return the negative log-likelihoods of points [..., 2] and numbers of classes [...]."""
        return mixture_nats(outputs, points, classes, self.mixtures)


def mixture_nats(outputs: Tensor, points: Tensor, classes: Tensor, mixtures: int) -> Nats:
    """Return the negative log-likelihoods of points [..., 2] and numbers of classes [...].

    All sums over components are in the logarithm, and at least in float32.
    """
    if outputs.dtype in (torch.float16, torch.bfloat16):
        outputs = outputs.float()
    sizes = [mixtures] * 6 + [outputs.shape[-1] - 6 * mixtures]
    shares, mean_x, mean_y, wide_x, wide_y, steep, logits = torch.split(outputs, sizes, -1)
    wide_x, wide_y = wide_x.clamp(-WIDEST, WIDEST), wide_y.clamp(-WIDEST, WIDEST)
    steep = steep.clamp(-STEEPEST, STEEPEST)
    x = (points[..., :1] - mean_x) * (-wide_x).exp()
    y = (points[..., 1:] - mean_y) * (-wide_y).exp()
    rest = (y - steep.tanh() * x) * steep.cosh()  # 1 / sqrt(1 - tanh²) = cosh
    logs = (
        steep.cosh().log() - 0.5 * (x * x + rest * rest) - wide_x - wide_y - math.log(2 * math.pi)
    )
    density = (shares.log_softmax(-1) + logs).logsumexp(-1)
    chosen = logits.log_softmax(-1).gather(-1, classes[..., None])[..., 0]
    return Nats(-density, -chosen)

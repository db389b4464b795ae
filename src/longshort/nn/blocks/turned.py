"""Random changes of pen strokes in training."""

from __future__ import annotations

import torch
from torch import Tensor

_TURN, _SHEAR, _SIZE, _JITTER = 0.1, 0.15, 0.1, 0.01
"""Deviations: of the angle in radians, the shear, the logarithms of both sizes, and each place."""


def turned(x: Tensor, power: float) -> Tensor:
    """Return strokes as another hand might have written them: turned, sheared, and of other sizes.

    x [T, B, 8]: columns of `data.strokes.features.FEATURES`, 0 is padding; power: strength, 1 is
    usual. Random numbers are torch's, on the CPU, whatever the device of x.
    """
    batch = x.shape[1]
    angle, shear, wide, high = power * torch.randn(4, batch)
    cos, sin = (_TURN * angle).cos(), (_TURN * angle).sin()
    wide, high = (_SIZE * wide).exp(), (_SIZE * high).exp()
    lean = _SHEAR * shear * high
    change = torch.stack(
        [torch.stack([cos * wide, cos * lean - sin * high]),
         torch.stack([sin * wide, sin * lean + cos * high])]
    ).to(x.device, x.dtype)  # fmt: skip

    def mapped(values: Tensor) -> Tensor:
        return torch.einsum("ijb,tbj->tbi", change, values)

    places = mapped(x[..., 3:5])
    noise = _JITTER * power * torch.randn(places.shape).to(x.device, x.dtype)
    ways = mapped(x[..., 5:7])
    ways = ways / ways.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    real = (x != 0).any(-1, keepdim=True)
    parts = [mapped(x[..., :2]), x[..., 2:3], (places + noise) * real, ways, x[..., 7:]]
    return torch.cat(parts, -1)

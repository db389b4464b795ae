"""A soft window over a text that moves on as it is written (Graves, 2013, equations 46 to 51).

Letters: B batch, H units, K places that are looked at side by side, U letters of the text, E size
of a letter's vector.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_LEAST, _MOST = -10.0, 5.0
"""Bounds of the logarithms of weights, widths and steps."""


class TextWindow(nn.Module):
    """K bell curves over the places of the letters, which never move back.

    pace: how many letters the window goes on in a step before it has learned anything; the usual
    number of letters for each step of the writing.
    """

    def __init__(self, size: int, windows: int, pace: float) -> None:
        super().__init__()
        self.linear = nn.Linear(size, 3 * windows)
        with torch.no_grad():
            self.linear.bias.zero_()
            self.linear.bias[2 * windows :] = math.log(pace)
            self.linear.bias[:windows] = -math.log(windows)

    def forward(
        self, states: Tensor, place: Tensor, letters: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return view [B, E], place [B, K] and the letters' weights [B, U] after a step.

        states [B, H]: of the layers; place: after the step before, 0 at the first; letters [B, U,
        E]; real [B, U]: which are letters and no padding.
        """
        curves = self.linear(states).clamp(_LEAST, _MOST).exp()
        height, narrow, ahead = curves.chunk(3, -1)
        place = place + ahead
        numbers = torch.arange(letters.shape[1], device=letters.device, dtype=letters.dtype)
        away = place[:, :, None] - numbers
        bells = height[:, :, None] * (-narrow[:, :, None] * away * away).exp()
        weights = bells.sum(1) * real
        view = (weights[:, None] @ letters)[:, 0]
        return view, place, weights

"""Pooling of a sequence over time to one vector; padding has no effect.

Letters: T time steps, B batch, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from longshort.errors import ConfigError, nearest
from longshort.nn.blocks.convolution import beyond

POOLINGS = ("last", "mean", "max", "attention")


class Pooling(nn.Module):
    """Pool x [T, B, W] with lengths [B] to [B, W], in one of the ways of `POOLINGS`.

    last: the last step of each sequence; of the last `backward` columns the first step, where the
    reverse direction ends. attention: a weighted mean, with weights from a learned vector's product
    with tanh of a learned linear map (Yang et al., 2016).
    """

    def __init__(self, kind: str, width: int, backward: int = 0) -> None:
        super().__init__()
        if kind not in POOLINGS:
            raise ConfigError(f"pooling: {kind!r} is not known; {nearest(kind, POOLINGS)}")
        self.kind, self.backward = kind, backward
        if kind == "attention":
            self.key = nn.Linear(width, width)
            self.query = nn.Linear(width, 1, bias=False)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the pooled vectors [B, W]."""
        lengths = lengths.to(x.device)
        over = beyond(x, lengths)
        if self.kind == "last":
            return self._last(x, lengths)
        if self.kind == "mean":
            return x.masked_fill(over[..., None], 0.0).sum(0) / lengths[:, None]
        if self.kind == "max":
            return x.masked_fill(over[..., None], -torch.inf).amax(0)
        return (self.weights(x, lengths)[..., None] * x).sum(0)

    def weights(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return attention weights [T, B]: they sum to 1 over time, and are 0 on padding."""
        over = beyond(x, lengths)
        scores: Tensor = self.query(torch.tanh(self.key(x))).squeeze(-1)
        return scores.masked_fill(over, -torch.inf).softmax(0)

    def _last(self, x: Tensor, lengths: Tensor) -> Tensor:
        end = x[lengths - 1, torch.arange(x.size(1), device=x.device)]
        forward = x.size(-1) - self.backward
        return torch.cat([end[:, :forward], x[0, :, forward:]], 1) if self.backward else end

"""Several steps of a sequence as one, so that recurrent layers run over fewer."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def patches(x: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return [ceil(T / size), B, size · F] from x [T, B, F], and the lengths in patches.

    A patch has the features of `size` steps side by side, in the order of time; past a sequence's
    end it holds the zeros of x's padding.
    """
    if size == 1:
        return x, lengths
    steps, batch, features = x.shape
    count = -(-steps // size)
    x = F.pad(x, (0, 0, 0, 0, 0, count * size - steps))
    apart = x.view(count, size, batch, features).transpose(1, 2).contiguous()
    wide = apart.view(count, batch, size * features)
    return wide, (lengths + size - 1).div(size, rounding_mode="floor")

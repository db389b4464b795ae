"""Random tensors and layers' states, for tests of layers and executors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    """Normal numbers in float64, the same ones for the same seed."""
    draw = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, dtype=torch.float64, generator=draw)


def parts(state: Any) -> tuple[Tensor, ...]:
    """A layer's state as a tuple: an LSTM's is one, a GRU's is a tensor."""
    return state if isinstance(state, tuple) else (state,)

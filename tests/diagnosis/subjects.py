"""Small networks to examine, healthy but for what a test breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.diagnosis.of_module import ModuleSubject


class Net(nn.Module):
    """An LSTM over numbers [B, T, 2] and a linear head: one output for a sequence, or by step."""

    def __init__(self, outputs: int = 3, *, by_step: bool = False, **how: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.LSTM(2, 6, batch_first=how.pop("batch_first", True), **how)
        self.head = nn.Linear(6 * (2 if self.layer.bidirectional else 1), outputs)
        self.by_step = by_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Outputs [B, K], or [B, T, K] by step."""
        states, _ = self.layer(x)
        if self.by_step:
            out: Tensor = self.head(states)
            return out
        if lengths is not None:
            states = states[torch.arange(len(states)), lengths - 1]
        else:
            states = states[:, -1]
        answer: Tensor = self.head(states)
        return answer


def numbers(rows: int = 32, steps: int = 10) -> Tensor:
    """Inputs [B, T, 2]."""
    return torch.randn(rows, steps, 2, generator=torch.Generator().manual_seed(1))


def labels(rows: int = 32, classes: int = 3) -> Tensor:
    """Labels [B]."""
    return torch.randint(0, classes, (rows,), generator=torch.Generator().manual_seed(2))


def batches(count: int = 4, **how: Any) -> list[Any]:
    """Batches of 32 sequences with labels that the sign of the last input decides."""
    found = []
    for n in range(count):
        x = torch.randn(32, 10, 2, generator=torch.Generator().manual_seed(n))
        found.append((x, (x[:, -1, 0] > 0).long() + (x[:, -1, 1] > 0).long()))
    return found


def cross_entropy(module: nn.Module, batch: Any) -> Tensor:
    """Cross entropy of a batch (x, y) or (x, y, lengths)."""
    x, y, *lengths = batch
    out = module(x, *lengths)
    return F.cross_entropy(out.flatten(0, -2), y.flatten())


def squared(module: nn.Module, batch: Any) -> Tensor:
    """Mean squared error of a batch (x, y)."""
    return F.mse_loss(module(batch[0]).squeeze(-1), batch[1].float())


def subject(
    module: nn.Module | None = None,
    loss: Callable[[nn.Module, Any], Tensor] = cross_entropy,
    given: list[Any] | None = None,
    **how: Any,
) -> ModuleSubject:
    """A subject of these parts; healthy ones where they are left out."""
    return ModuleSubject(module or Net(), loss, given or batches(), **how)

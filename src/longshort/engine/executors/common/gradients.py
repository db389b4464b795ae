"""Gradients of the equations in torch operations, for executors that have first derivatives only.

All operations are torch's own, so the gradients can be differentiated again, and transformed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def gradients(
    equations: Callable[[list[Tensor]], Sequence[Tensor]],
    given: Sequence[Tensor],
    incoming: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Return gradients of the tensors `given`.

    incoming: gradients of `equations(given)`. None is returned for tensors that need no gradient.
    Autograd records the computation where gradients are enabled.
    """
    recorded = torch.is_grad_enabled()
    with torch.enable_grad():
        # The backward pass ends at these views. Where one of the originals was computed from
        # another, autograd itself continues from there.
        given = [value.view_as(value) if value.requires_grad else value for value in given]
        reached = [
            (result, gradient)
            for result, gradient in zip(equations(given), incoming, strict=True)
            if gradient is not None and result.requires_grad
        ]
        free = [value for value in given if value.requires_grad]
        found = iter(_gradients(reached, free, recorded))
    return [next(found) if value.requires_grad else None for value in given]


def _gradients(
    reached: list[tuple[Tensor, Tensor]], free: list[Tensor], recorded: bool
) -> Sequence[Tensor]:
    if not reached:
        return [torch.zeros_like(value) for value in free]
    results, incoming = zip(*reached, strict=True)
    return torch.autograd.grad(
        results, free, incoming, create_graph=recorded, allow_unused=True, materialize_grads=True
    )

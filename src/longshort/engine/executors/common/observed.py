"""Check whether a scan may be called directly, or must be an operator that torch sees.

torch has no public function for most of these questions. In a torch version that has moved one of
the internal functions the answer is the safe one: an operator.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.autograd import forward_ad

PLAIN = (Tensor, torch.nn.Parameter)
"""Tensor types that override nothing."""

_transforms = getattr(torch._C, "_are_functorch_transforms_active", None)
_modes = getattr(torch._C, "_len_torch_dispatch_stack", None)
_tracing = getattr(torch._C, "_is_tracing", None)
_has_storage = getattr(torch._C, "_has_storage", None)


def transformed(tensors: Iterable[Tensor | None] = ()) -> bool:
    """Whether a transform of torch.func or forward mode is active, or `tensors` belong to one.

    These can only differentiate torch's own operations: they need the equations in those.
    """
    if _transforms is not None and _transforms():
        return True
    for tensor in tensors:
        # `torch.autograd.grad(is_grads_batched=True)` has its own vmap, known by this alone.
        if _has_storage and type(tensor) is Tensor and not _has_storage(tensor):
            return True
    return bool(getattr(forward_ad, "_current_level", 0) >= 0)


def observed(tensors: Iterable[Tensor] = ()) -> bool:
    """Whether anything besides autograd has to see an operator.

    That is torch.compile, a trace, a transform, a dispatch mode, or the type of one of `tensors`.
    """
    if torch.compiler.is_compiling() or transformed():
        return True
    if _transforms is None or _modes is None or _tracing is None or _modes() or _tracing():
        return True
    for tensor in tensors:  # noqa: SIM110, a generator takes longer than all the rest
        if type(tensor) not in PLAIN:
            return True
    return False

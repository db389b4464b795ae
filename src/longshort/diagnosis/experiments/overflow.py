"""The first operation that overflows, where training ends in NaN or infinite values."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from longshort.diagnosis.capture import tensors_in
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject, trainable

_RATE, _CLIP, _STEPS = 0.003, 1.0, 200


def measure(subject: Subject) -> Measured:
    """Train with small clipped steps until the loss is NaN or infinite, and find where it began.

    overflow: 1 where that happens. half: 1 where the first operation with such a result, of finite
    values, is one of 16 bits.
    """
    found: tuple[str, bool] | None = None
    with subject.untouched():
        subject.begin()
        subject.module.train()
        optimizer = torch.optim.Adam(trainable(subject.module), lr=_RATE)
        for n in range(_STEPS):
            batch = subject.batches[n % len(subject.batches)]
            optimizer.zero_grad()
            loss = subject.loss(batch)
            if not math.isfinite(float(loss.detach())):
                found = _first(subject, batch)
                break
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(trainable(subject.module), _CLIP)
            optimizer.step()
    if found is None:
        return Measured("small clipped steps do not overflow", {"overflow": 0.0, "half": 0.0})
    name, is_half = found
    said = f"the first infinite value comes from {name} in {16 if is_half else 32} bits"
    return Measured(said, {"overflow": 1.0, "half": float(is_half)}, where={"half": name})


def _first(subject: Subject, batch: Any) -> tuple[str, bool]:
    """Return the first operation that makes other than finite values, and whether in 16 bits."""
    with torch.no_grad(), _Watch() as watch:
        subject.loss(batch)
    return watch.first or ("the loss", False)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.first: tuple[str, bool] | None = None

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        if self.first is None:
            given, made = tensors_in((list(args), kwargs or {})), tensors_in(result)
            if all(map(_is_finite, given)) and not all(map(_is_finite, made)):
                self.first = (str(operation), any(x.dtype == torch.float16 for x in made))
        return result


def _is_finite(value: Tensor) -> bool:
    return not value.is_floating_point() or bool(value.isfinite().all())

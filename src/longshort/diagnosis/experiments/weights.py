"""The weights before training: units that are all alike, and numbers that overflow."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longshort.diagnosis.capture import recurrent_layers, tensors_in
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure weights and what they compute.

    alike: 1 where all units of a recurrent layer have the same weights. overflow: 1 where a part of
    the network returns NaN or infinite values for finite ones. half: 1 where it computes in 16
    bits. Named: the part.
    """
    alike = next(
        (n for n, layer in recurrent_layers(subject.module).items() if _alike(layer)), None
    )
    place, is_half = _overflow(subject)
    numbers = {
        "alike": float(alike is not None),
        "overflow": float(place is not None),
        "half": float(is_half),
    }
    said = []
    if alike is not None:
        said.append(f"all units of {alike or 'the network'} start with the same weights")
    if place is not None:
        said.append(f"{place} returns NaN or infinite values")
    where = {"alike": alike or "", "overflow": place or ""}
    return Measured(
        "; ".join(said) or "units differ, and all values are finite", numbers, None, where
    )


def _alike(layer: nn.Module) -> bool:
    """Whether every matrix has equal rows within each gate."""
    hidden = int(layer.hidden_size)  # type: ignore[arg-type]
    matrices = [weight for weight in layer.parameters() if weight.dim() == 2]
    gates = [rows for weight in matrices for rows in torch.split(weight.detach(), hidden)]
    return hidden > 1 and bool(gates) and all(_equal_rows(rows) for rows in gates)


def _equal_rows(rows: Tensor) -> bool:
    return bool((rows == rows[0]).all())


def _overflow(subject: Subject) -> tuple[str | None, bool]:
    """Return the first part with NaN or infinite outputs, and whether it has 16 bits."""
    seen: list[tuple[str, bool]] = []
    halves: list[bool] = []

    def watch(name: str) -> Any:
        def see(_module: nn.Module, args: object, output: object) -> None:
            given, made = tensors_in(args), tensors_in(output)
            halves.extend(each.dtype == torch.float16 for each in (*given, *made))
            if all(_is_finite(x) for x in given) and not all(_is_finite(x) for x in made):
                seen.append((name, any(x.dtype == torch.float16 for x in made)))

        return see

    with subject.untouched(), torch.no_grad():
        modules = list(subject.module.named_modules())
        hooks = [
            each.register_forward_hook(watch(name or type(each).__name__)) for name, each in modules
        ]
        try:
            for batch in subject.batches[:4]:
                loss = subject.loss(batch)
                if not _is_finite(loss) and not seen:
                    seen.append(("the loss", loss.dtype == torch.float16))
        finally:
            for hook in hooks:
                hook.remove()
    return (seen[0][0] if seen else None), any(halves)


def _is_finite(value: Tensor) -> bool:
    return bool(value.isfinite().all()) if value.is_floating_point() else True

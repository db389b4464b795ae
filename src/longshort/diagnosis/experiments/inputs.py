"""The inputs and targets as numbers: missing, constant and badly scaled ones."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

_BATCHES = 8


def measure(subject: Subject) -> Measured | None:
    """Measure inputs and targets of the first batches.

    missing: share of inputs that are NaN or infinite; scale: largest deviation of an input feature;
    constant: share of features without any change; target_missing; target_scale: deviation or
    distance from 0 of targets that are real numbers.
    """
    inputs, targets = first_values(subject)
    if not inputs and not targets:
        return None
    found = {"missing": 0.0, "scale": 0.0, "constant": 0.0}
    if inputs:
        flat = torch.cat([x.reshape(-1, x.size(-1)) for x in inputs]).double()
        known = flat.isfinite()
        found["missing"] = float((~known).double().mean())
        clean = flat.nan_to_num(0.0, 0.0, 0.0)
        found["scale"] = (
            float(clean.abs().quantile(0.99, 0).max())
            if len(clean) < 100_000
            else float(clean.std(0).max())
        )
        found["constant"] = float((clean.std(0) == 0.0).double().mean()) if len(clean) > 1 else 0.0
    if targets:
        flat = torch.cat([y.reshape(-1) for y in targets]).double()
        found["target_missing"] = float((~flat.isfinite()).double().mean())
        clean = flat.nan_to_num(0.0, 0.0, 0.0)
        found["target_scale"] = float(clean.square().mean().sqrt())
        found["target_deviation"] = float(clean.std())
    said = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in found.items())
    return Measured(f"inputs and targets of {_BATCHES} batches: {said}", found)


def first_values(subject: Subject) -> tuple[list[Tensor], list[Tensor]]:
    """Return the real-valued inputs and targets of the first batches."""
    inputs, targets = [], []
    with subject.untouched(), torch.no_grad():
        for batch in subject.batches[:_BATCHES]:
            call = call_of(subject, batch)
            reals = (
                [x for x in call.inputs if x.is_floating_point() and x.dim() > 1] if call else []
            )
            inputs += [x.detach() for x in reals[:1] if x.size(-1)]
            given = subject.targets(batch)
            if given is not None and given.is_floating_point():
                targets.append(given)
    widths = {x.size(-1) for x in inputs}
    return (inputs if len(widths) == 1 else []), targets

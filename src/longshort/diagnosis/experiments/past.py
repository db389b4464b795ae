"""The steps before: whether answers depend on them, in both directions."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of, given, recurrent_layers
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure what of the sequence reaches the answer.

    past_unused: 1 where the last answer is bit-equal after all earlier steps changed. future_read:
    for a causal network, the largest change of early answers by later steps, over their deviation.
    one_step_back: 1 where a backward direction has no gradient in its recurrent weights, so that
    its end state has read a single step.
    """
    found = _by_changing(subject)
    backward = _idle_direction(subject)
    numbers = found | {"one_step_back": 0.0 if backward is None else 1.0}
    if not found and not recurrent_layers(subject.module):
        return None
    said = "; ".join(
        [
            "earlier steps do not change the last answer"
            if numbers.get("past_unused")
            else "earlier steps change the last answer",
            f"the backward direction {backward} has read one step"
            if backward
            else "every direction of the recurrent layers reads on",
        ]
    )
    return Measured(said, numbers, where={"one_step_back": backward or ""})


def _by_changing(subject: Subject) -> dict[str, float]:
    batch = subject.batches[0]
    targets = subject.targets(batch)
    if targets is None or not targets.dim() or len(targets) < 2:
        return {}
    with subject.untouched(), torch.no_grad():
        subject.module.eval()
        before = call_of(subject, batch)
        if before is None or before.values[0].dim() < 2 or before.output.size(0) != len(targets):
            return {}
        steps = before.values[0].size(1)
        if before.values[0].size(0) != len(targets) or steps < 4:
            return {}
        is_by_step = before.output.dim() > 1 and before.output.size(1) == steps
        earlier = _output(subject, batch, slice(0, steps - 1), steps)
        later = _output(subject, batch, slice(steps // 2, steps), steps)
    last = before.output[:, -1] if is_by_step else before.output
    other = earlier[:, -1] if is_by_step else earlier
    found = {"past_unused": float(torch.equal(last, other) and subject.lengths(batch) is None)}
    if is_by_step and subject.is_causal:
        early = slice(0, steps // 2)
        moved = (later[:, early] - before.output[:, early]).abs().max()
        found["future_read"] = float(moved) / max(float(before.output.std()), 1e-12)
    return found


def _output(subject: Subject, batch: object, where: slice, steps: int) -> Tensor:
    """Return the output with the steps `where` of each sample taken from the next sample."""

    def change(x: Tensor) -> Tensor:
        if x.size(1) != steps:
            return x
        other = x.clone()
        other[:, where] = x.roll(1, 0)[:, where]
        return other

    subject.forget()
    with given(subject.module, change):
        call = call_of(subject, batch)
    assert call is not None
    return call.output


def _idle_direction(subject: Subject) -> str | None:
    """Return the layer whose backward recurrent weights have no gradient; None without one."""
    with subject.untouched():
        subject.module.train()
        torch.autograd.backward(subject.loss(subject.batches[0]))
        for name, layer in recurrent_layers(subject.module).items():
            weights = {
                each: weight
                for each, weight in layer.named_parameters()
                if each.endswith("_reverse") and "weight" in each and weight.grad is not None
            }
            inner = [w for each, w in weights.items() if "_hh" in each]
            others = [w for each, w in weights.items() if "_hh" not in each]
            is_idle = inner and all(not bool(w.grad.any()) for w in inner if w.grad is not None)
            if is_idle and any(bool(w.grad.any()) for w in others if w.grad is not None):
                return name or type(layer).__name__
    return None

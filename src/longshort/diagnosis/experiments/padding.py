"""Steps past the end of a sample: whether they are in the loss, or in the answer."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of, given
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure the part of padding in loss and answer; needs lengths.

    in_loss: share of the loss's gradient by the outputs that falls on padded steps. read: largest
    change of a sample's answer when its padded inputs change, over the answers' deviation.
    """
    found = [_of_batch(subject, batch) for batch in subject.batches[:4]]
    known = [each for each in found if each is not None]
    if not known:
        return None
    in_loss, read = (max(each[n] for each in known) for n in (0, 1))
    said = (
        f"{in_loss:.1%} of the loss's gradient falls on padded steps; changed padding moves an "
        f"answer by {read:.2g} deviations"
    )
    return Measured(said, {"in_loss": in_loss, "read": read})


def _of_batch(subject: Subject, batch: object) -> tuple[float, float] | None:
    lengths, targets = subject.lengths(batch), subject.targets(batch)
    if lengths is None or targets is None or len(lengths) != len(targets):
        return None
    with subject.untouched():
        subject.module.eval()
        call = call_of(subject, batch)
        if call is None or call.output.size(0) != len(lengths) or call.values[0].dim() < 2:
            return None
        steps = call.values[0].size(1)
        padded = torch.arange(steps) >= lengths.cpu()[:, None]
        if call.values[0].size(0) != len(lengths) or not bool(padded.any()):
            return None
        is_by_step = call.output.dim() > 1 and call.output.shape[:2] == padded.shape
        in_loss = _share_on(padded, call.output, call.loss) if is_by_step else 0.0
        subject.forget()
        with torch.no_grad(), given(subject.module, lambda x: _changed(x, padded)):
            after = call_of(subject, batch)
    assert after is not None
    moved = (after.output - call.output).abs().detach()
    if is_by_step:
        moved = moved[~padded]
    return in_loss, float(moved.max()) / max(float(call.output.detach().std()), 1e-12)


def _share_on(padded: Tensor, output: Tensor, loss: Tensor) -> float:
    (gradient,) = torch.autograd.grad(loss, output, allow_unused=True)
    if gradient is None:
        return 0.0
    size = gradient.abs().flatten(2).sum(2) if gradient.dim() > 2 else gradient.abs()
    return float(size[padded].sum() / size.sum().clamp(min=1e-30))


def _changed(x: Tensor, padded: Tensor) -> Tensor:
    """Return other values past the ends: those of another place in the batch."""
    if x.shape[:2] != padded.shape:
        return x
    other = x.flatten(0, 1)[torch.randperm(padded.numel())].view_as(x)
    if x.is_floating_point():
        other = other + x.std()
    return torch.where(padded.view(*padded.shape, *[1] * (x.dim() - 2)), other, x)

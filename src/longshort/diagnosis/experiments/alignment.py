"""Targets of every step: whether they belong to the step that they stand at."""

from __future__ import annotations

import torch
from torch import Tensor

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

SHIFTS = (-2, -1, 0, 1, 2)


def measure(subject: Subject) -> Measured | None:
    """Predict each step's target from a single input at other steps, by a linear map or a table.

    shift: steps by which targets should move to meet the input that tells most about them; gain:
    how much more that input tells than the one at the same step, as explained share of variance.
    Targets that are the inputs of another step, as of a language model, tell their shift exactly:
    copied is 1 where that is the same step. Padded steps and targets below 0 do not count.
    """
    pairs = []
    with subject.untouched(), torch.no_grad():
        subject.module.eval()
        for batch in subject.batches[:8]:
            call, targets = call_of(subject, batch), subject.targets(batch)
            if call is None or targets is None or targets.dim() != 2 or not call.values:
                return None
            x = call.values[0]
            if x.shape[:2] != targets.shape or targets.size(1) < 8 or targets.is_floating_point():
                return None
            pairs.append((x, _known(targets, subject.lengths(batch))))
    own = _own_shift(pairs)
    if own is not None:
        numbers = {"shift": float(own - 1), "gain": float(own > 1), "copied": float(own == 0)}
        return Measured(f"targets are the inputs {own} steps ahead", numbers)
    told = {shift: _told(pairs, shift) for shift in SHIFTS}
    best = max(told, key=lambda shift: told[shift])
    gain = told[best] - told[0]
    said = (
        f"the input {best:+d} steps away tells {told[best]:.0%} about a target, that at it "
        f"{told[0]:.0%}"
    )
    return Measured(said, {"shift": float(best), "gain": gain, "copied": 0.0})


def _own_shift(pairs: list[tuple[Tensor, Tensor]]) -> int | None:
    """Return how many steps ahead the inputs are that the targets are; None if they are not."""
    if pairs[0][0].dim() != 2 or pairs[0][0].is_floating_point():
        return None
    return next((ahead for ahead in range(5) if _same(pairs, ahead) > 0.99), None)


def _same(pairs: list[tuple[Tensor, Tensor]], ahead: int) -> float:
    """Return the lowest share, over batches, of targets that are the input so many steps ahead."""
    shares = []
    for x, y in pairs:
        steps = y.size(1) - ahead
        # The input must be known too: past a sample's end it is padding.
        known = (y[:, :steps] >= 0) & (y[:, ahead:] >= 0)
        same = x[:, ahead:] == y[:, :steps]
        shares.append(float(same[known].double().mean()) if bool(known.any()) else 0.0)
    return min(shares)


def _known(targets: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the targets with -1 past the samples' ends."""
    if lengths is None or len(lengths) != len(targets):
        return targets
    steps = torch.arange(targets.size(1), device=targets.device)
    inside = steps < lengths.to(targets.device)[:, None]
    return targets.masked_fill(~inside, -1)


def _told(pairs: list[tuple[Tensor, Tensor]], shift: int) -> float:
    """Return the share of the targets' variance that the inputs `shift` steps away explain."""
    cut = max(abs(each) for each in SHIFTS)
    rows, labels = [], []
    for x, y in pairs:
        steps = y.size(1)
        rows.append(x[:, cut + shift : steps - cut + shift].flatten(0, 1))
        labels.append(y[:, cut : steps - cut].flatten())
    x, y = torch.cat(rows), torch.cat(labels)
    known = y >= 0
    wanted = torch.nn.functional.one_hot(y[known]).double()
    wanted = wanted - wanted.mean(0)
    found = _features(x[known])
    solved = torch.linalg.lstsq(found, wanted, driver="gelsd").solution
    rest = (wanted - found @ solved).square().sum()
    return 1.0 - float(rest / wanted.square().sum().clamp(min=1e-12))


def _features(x: Tensor) -> Tensor:
    """Return columns of the inputs with a constant: numbers and squares, or tokens one by one."""
    one = torch.ones(len(x), 1, dtype=torch.double)
    if x.is_floating_point():
        values = x.double()
        return torch.cat([one, values, values.square(), values.sign()], 1)
    return torch.nn.functional.one_hot(x.flatten() % 512).double()

"""The first steps of training: how long they are, and where on the way down they end."""

from __future__ import annotations

import math
import statistics
from typing import Any

import torch
from torch import Tensor, nn

from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.steppers import stepper_of
from longshort.diagnosis.subject import Subject, trainable


def measure(subject: Subject, steps: int = 24) -> Measured | None:
    """Take steps at the present rate and clip.

    alpha: median place where a step ends on the parabola through its loss and slope: 0 at the
    minimum, above 0 beyond it, -1 no way (Schneider et al., Cockpit, 2021). clipped: share of the
    steps whose gradient is above the clip; over: median of norm over clip. update: median norm of a
    step over the weights'. spikes: largest gradient norm over the median.
    """
    settings = subject.settings
    if "learning_rate" not in settings:
        return None
    clip = settings.get("clip")
    alphas, norms, updates, losses = [], [], [], []
    with subject.untouched():
        subject.begin()
        subject.module.train()
        optimizer = stepper_of(subject)
        for n in range(steps):
            taken = _step(subject, subject.batches[n % len(subject.batches)], optimizer, clip)
            losses.append(taken[0])
            norms.append(taken[1])
            if not all(map(math.isfinite, taken)):
                break
            updates.append(taken[2])
            alphas.append(taken[3])
    middle = statistics.median(norms)
    numbers = {
        "alpha": statistics.median(alphas) if alphas else math.inf,
        "update": statistics.median(updates) if updates else math.inf,
        "spikes": max(norms) / middle if middle > 0 else math.inf,
        "clipped": 0.0 if not clip else sum(norm > clip for norm in norms) / len(norms),
        "over": 0.0 if not clip else middle / clip,
        "unclipped": float(not clip and "clip" in settings),
    }
    said = (
        f"a step ends at alpha {numbers['alpha']:.2f} (0: the minimum along it), and changes the "
        f"weights by {numbers['update']:.1e} of their norm; {numbers['clipped']:.0%} are clipped"
    )
    curves = [Curve("norm of the gradient", range(len(norms)), norms)]
    plot = Plot("step", "norm", curves, False, True)
    return Measured(said, numbers, plot)


def _step(
    subject: Subject, batch: Any, optimizer: torch.optim.Optimizer, clip: float | None
) -> tuple[float, float, float, float]:
    """Take a step; returns loss, norm of the gradient, relative length of the step, and alpha."""
    weights = trainable(subject.module)
    subject.forget()
    random = torch.get_rng_state()
    optimizer.zero_grad()
    loss = subject.loss(batch)
    torch.autograd.backward(loss)
    gradients = [_gradient(w).clone() for w in weights]
    norm = float(nn.utils.clip_grad_norm_(weights, clip or math.inf))
    before = [w.detach().clone() for w in weights]
    optimizer.step()
    moved = [w.detach() - b for w, b in zip(weights, before, strict=True)]
    slope = sum(float((g * m).sum()) for g, m in zip(gradients, moved, strict=True))
    subject.forget()
    torch.set_rng_state(random)
    with torch.no_grad():
        after = float(subject.loss(batch))
    size = math.sqrt(sum(float(b.square().sum()) for b in before))
    length = math.sqrt(sum(float(m.square().sum()) for m in moved))
    start = float(loss.detach())
    return start, norm, length / max(size, 1e-12), _alpha(start, after, slope)


def _gradient(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight) if weight.grad is None else weight.grad


def _alpha(before: float, after: float, slope: float) -> float:
    """Return where the step ends on the parabola with this value and slope at its start."""
    bend = 2.0 * (after - before - slope)
    if slope >= 0.0 or bend <= 0.0:
        return -1.0 if slope < 0.0 else 0.0
    return bend / -slope - 1.0

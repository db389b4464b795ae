"""The learning-rate range test: rates from small to large, a step each."""

from __future__ import annotations

import math

import torch
from torch import nn

from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.steppers import stepper_of
from longshort.diagnosis.subject import Subject, trainable

_LOW, _HIGH, _SMOOTH, _STOP, _WINDOW = 1e-6, 10.0, 0.8, 4.0, 10


def measure(subject: Subject, steps: int = 80) -> Measured | None:
    """Raise the rate exponentially from 1e-6 to 10 until the smoothed loss is 4 times its best.

    valley: geometric mean of the rate at the steepest fall and of a tenth of that at the lowest
    loss, two of fastai's rules. off: the present rate over it, 1 where that is not
    known.
    """
    rates, losses = _curve(subject, steps)
    if len(losses) < 12:
        return None
    begin = len(losses) // 10
    valley = _valley(rates[begin:-3], losses[begin:-3])
    present = subject.settings.get("learning_rate")
    off = 1.0 if present is None else present / valley
    marks = {"valley": valley} | ({} if present is None else {"present": float(present)})
    plot = Plot("learning rate", "smoothed loss", [Curve("loss", rates, losses)], True, True, marks)
    said = f"the range test suggests a learning rate of {valley:.2g}"
    said += "" if present is None else f"; the present one is {off:.2g} times that"
    return Measured(said, {"valley": valley, "off": off}, plot)


def _curve(subject: Subject, steps: int) -> tuple[list[float], list[float]]:
    rates = [_LOW * (_HIGH / _LOW) ** (n / (steps - 1)) for n in range(steps)]
    seen: list[float] = []
    with subject.untouched():
        subject.begin()
        subject.module.train()
        optimizer = stepper_of(subject)
        mean = 0.0
        for n, rate in enumerate(rates):
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            loss = subject.loss(subject.batches[n % len(subject.batches)])
            mean = _SMOOTH * mean + (1 - _SMOOTH) * float(loss.detach())
            value = mean / (1 - _SMOOTH ** (n + 1))
            if not math.isfinite(value) or (n > 10 and value > _STOP * min(seen)):
                break
            seen.append(value)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(trainable(subject.module), 1.0)
            optimizer.step()
    return rates[: len(seen)], seen


def _valley(rates: list[float], losses: list[float]) -> float:
    """Return the geometric mean of the steepest fall's rate and a tenth of the best's."""
    lowest = losses.index(min(losses))
    width = min(_WINDOW, len(losses) - 1)
    falls = [before - after for before, after in zip(losses, losses[width:], strict=False)]
    steepest = falls.index(max(falls)) + width // 2
    return math.sqrt(rates[steepest] * rates[lowest] / 10)
